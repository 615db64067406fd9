"""Engines that are not here: what each kind is sent, and how their failures are told."""

import io
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import DockerException, ImageNotFound
from lading.digest import Digest
from lading.engines.oci.outputs.engine import EngineOutput
from lading.errors import EngineUnavailable, OutputFailed
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index, Layer
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import fresh, image

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass
class FakeEngine:
    """The part of an engine's API that is used, for engines that are not here; keeps what it is sent."""

    images_by_id: dict[str, Any] = field(default_factory=dict)
    components: list[dict[str, str]] = field(default_factory=list)
    driver_status: list[list[str]] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    """For one upload each, in order: an event, or what is raised."""

    received: list[dict[str, Digest]] = field(default_factory=list)
    """The files of each upload, and what was in them."""

    manifests: list[Any] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> "FakeEngine":
        """The lower half of docker-py's client."""
        return self

    @property
    def images(self) -> Any:
        """The collection of docker-py's client, which the lower half has as a function."""
        listed = lambda: [{"Id": each} for each in self.images_by_id]  # noqa: E731 - a function with an attribute
        listed.get = self.get  # type: ignore[attr-defined]
        return listed

    def get(self, name: str) -> Any:
        """Return an image."""
        if name not in self.images_by_id:
            raise ImageNotFound(name)
        return SimpleNamespace(id=name, attrs={"RootFS": {"Layers": self.images_by_id[name]}})

    def version(self) -> dict[str, Any]:
        """Say which engine this is."""
        return {"Os": "linux", "Arch": "amd64", "Components": self.components}

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image a name."""
        self.names[f"{repository}:{tag}"] = image

    def info(self) -> dict[str, Any]:
        """Say how it keeps images."""
        return {"DriverStatus": self.driver_status}

    def load_image(self, chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Take an archive; fail where that is due."""
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            files = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
            self.received.append({name: Digest.of(file.read()) for name, file in files.items() if file})
            manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
            (config,) = (each for each in archive if each.name == manifest[0]["Config"])
            diff_ids = json.load(archive.extractfile(config))["rootfs"]["diff_ids"]  # type: ignore[arg-type]
        self.manifests.append(manifest)
        error = self.errors.pop(0) if self.errors else None
        if isinstance(error, Exception):
            raise error
        if error is not None:
            yield {"error": error}
            return
        digest = "sha256:" + config.name.rpartition("/")[2]
        self.images_by_id[digest] = diff_ids
        yield {"stream": f"Loaded image ID: {digest}"}


NAME = ImageRef.parse("iris:1")


def write(engine: FakeEngine, made: Image | Index) -> None:
    """Load an image into a fake engine."""
    EngineOutput(engine, Silent()).write(made, (NAME,))  # type: ignore[arg-type]


def blob(digest: Digest) -> str:
    """Return the path of a blob."""
    return f"blobs/sha256/{digest.hex}"


def test_what_a_partial_load_misses_is_sent_after_all():
    """Another program removed the image that had the layers."""
    below = fresh()
    made = image(below, fresh())
    engine = FakeEngine({"old": [str(below.diff_id)]}, errors=["open /tmp/x/layer.tar: no such file"])

    write(engine, made)

    partial, whole = engine.received
    assert (blob(below.diff_id) in partial, blob(below.diff_id) in whole) == (False, True)
    assert engine.images_by_id[str(made.id)] == [str(each.diff_id) for each in made.layers]


def test_podman_is_sent_everything():
    """It refuses an archive without all layers ("Some layer tarfiles are missing")."""
    below = fresh()
    engine = FakeEngine({"old": [str(below.diff_id)]}, components=[{"Name": "Podman Engine"}])

    made = image(below, fresh(members=2))

    write(engine, made)

    assert blob(below.diff_id) in engine.received[0]
    assert "index.json" not in engine.received[0]
    assert engine.names == {"iris:1": str(made.id)}
    assert engine.manifests[0][0]["RepoTags"] == []  # it would make localhost/iris:1 of it


def test_the_containerd_store_is_sent_what_a_registry_has():
    """It keeps blobs as they are, so the manifest's digest stays the same everywhere."""
    packed = fresh(members=2)
    engine = FakeEngine(driver_status=[["driver-type", "io.containerd.snapshotter.v1"]])

    write(engine, image(packed))

    assert {"index.json", "oci-layout", blob(packed.descriptor.digest)} < set(engine.received[0])


def test_layers_are_sent_without_compression():
    """Where their size is known; else as they are."""
    known, unknown = fresh(members=2), replace(fresh(members=2), tar_bytes=None)
    engine = FakeEngine()

    write(engine, image(known, unknown))

    (manifest,), (files,) = engine.manifests[0], engine.received
    assert files[blob(known.diff_id)] == known.diff_id
    assert files[blob(unknown.diff_id)] == unknown.descriptor.digest
    assert manifest["Layers"] == [blob(known.diff_id), blob(unknown.diff_id)]
    assert manifest["RepoTags"] == ["iris:1"]


def test_zstandard_is_sent_without_compression():
    """Docker reads it only since version 23."""
    plain = fresh()
    content = b"".join(plain.blob.chunks())
    packed = Layer(
        Descriptor.of(media_types.TAR_ZSTD, zstd.compress(content)),
        plain.diff_id,
        BytesBlob(zstd.compress(content)),
    )
    engine = FakeEngine()

    write(engine, image(packed))

    assert engine.received[0][blob(plain.diff_id)] == plain.diff_id


def test_an_image_that_is_not_there_afterwards_is_told():
    """Another program removed it at once, or the engine took something else for it."""
    made, engine = image(fresh()), FakeEngine()
    engine.get = lambda name: (_ for _ in ()).throw(ImageNotFound(name))  # type: ignore[method-assign]

    with pytest.raises(OutputFailed, match=r"took the image .* but does not have it"):
        write(engine, made)
    with pytest.raises(OutputFailed, match="has no image"):
        EngineOutput(engine, Silent()).describe(made, (NAME,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("write /x: no space left on device", OutputFailed, r"no space left.*docker image prune"),
        (DockerException("refused"), OutputFailed, "refuses: refused"),
        (requests.ConnectionError("broken pipe"), EngineUnavailable, "stopped answering.*disk full"),
    ],
)
def test_an_engine_that_fails_is_told(error, kind, message):
    """The error says what the engine said, and what to do."""
    with pytest.raises(kind, match=message):
        write(FakeEngine(errors=[error]), image(fresh()))
