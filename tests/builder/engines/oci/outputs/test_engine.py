"""Loading into an engine: only what it lacks, and all or nothing."""

import io
import json
import os
import tarfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from lading.digest import Digest
from lading.engines.find import find_engine
from lading.engines.oci.outputs.engine import EngineOutput
from lading.environment import Platform
from lading.errors import DigestMismatch, EngineUnavailable, OutputFailed
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.image import Image, Index, Layer
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import tar_layer


def fresh(*, members: int = 0, size: int = 32) -> Layer:
    """Return a layer that no engine has: one that it has it would not even read."""
    return tar_layer({f"opt/{uuid.uuid4().hex}": os.urandom(size)}, members=members)


def image(*layers: Layer, architecture: str = "amd64") -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


@dataclass
class Sent(Silent):
    """Remembers which layers were sent."""

    names: list[str] = field(default_factory=list)

    @contextmanager
    def transfer(self, name, total_bytes):
        """Remember one."""
        self.names.append(name)
        yield lambda _: None


def short(*layers: Layer) -> list[str]:
    """Return how progress calls layers."""
    return [layer.diff_id.hex[:12] for layer in layers]


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerClient]:
    """The engine."""
    client = find_engine()
    yield client
    client.close()


@pytest.fixture
def name(docker) -> Iterator[ImageRef]:
    """A name of one's own; its images are gone afterwards."""
    ref = ImageRef.parse(f"lading-test/{uuid.uuid4().hex}:1")
    yield ref
    for each in docker.images.list(filters={"reference": f"{ref.repository}:*"}):
        docker.images.remove(each.id, force=True)


@pytest.fixture
def kept(docker) -> Iterator[list[Image]]:
    """Images that a test leaves without a name; they are removed."""
    images: list[Image] = []
    yield images
    for each in images:
        try:
            docker.images.remove(str(each.id), force=True)
        except ImageNotFound:
            continue


def load(docker: DockerClient, made: Image | Index, *names: ImageRef) -> list[str]:
    """Load an image; return which layers were sent."""
    progress = Sent()
    EngineOutput(docker, progress).write(made, names)
    return progress.names


@pytest.mark.container
def test_an_image_is_loaded_under_its_id(docker, name):
    """Compressed or not, with the size known or not: the id is that of the configuration."""
    unknown = replace(fresh(members=3), tar_bytes=None)
    made = image(fresh(), fresh(members=3), unknown, fresh())

    load(docker, made, name)

    assert docker.images.get(str(name)).id == str(made.id)
    built = EngineOutput(docker, Silent()).describe(made, (name,))
    assert (built.id, len(built.layers), built.names) == (made.id, 4, (name,))


@pytest.mark.container
def test_only_layers_that_the_engine_lacks_are_sent(docker, name, kept):
    """A changed model on known layers is one layer."""
    below = [fresh(), fresh(members=2)]
    first, second = (image(*below, fresh()) for _ in range(2))
    kept.append(first)

    sent = load(docker, first, name), load(docker, second, name), load(docker, second, name)

    assert sent == (short(*first.layers), short(second.layers[-1]), [])
    assert docker.images.get(str(name)).id == str(second.id)


@pytest.mark.container
def test_layers_of_any_image_are_known(docker, name, kept):
    """Also of one with another name; but only from the bottom on, as engines stack them."""
    base = [fresh(), fresh()]
    other = ImageRef.parse(f"{name.repository}:other")
    load(docker, image(*base, fresh(), fresh()), other)
    top = fresh()

    assert load(docker, image(*base, top), name) == short(top)
    kept.append(image(*base, top))
    turned = image(base[1], base[0])
    assert load(docker, turned, name) == short(*turned.layers)


@pytest.mark.container
def test_all_names_point_to_the_image(docker, name):
    """Whether it was loaded or there already."""
    made, other = image(fresh()), ImageRef.parse(f"{name.repository}:other")

    load(docker, made, name, other)
    load(docker, made, ImageRef.parse(f"{name.repository}:third"))

    tags = docker.images.get(str(made.id)).tags
    assert {tag.rpartition(":")[2] for tag in tags} == {"1", "other", "third"}


@pytest.mark.container
def test_a_damaged_layer_leaves_the_old_image(docker, name):
    """The name is moved when everything is there, not before."""
    old, good = image(fresh()), fresh()
    load(docker, old, name)
    damaged = Layer(good.descriptor, good.diff_id, BytesBlob(bytes(good.descriptor.size_bytes)))

    with pytest.raises(DigestMismatch):
        load(docker, image(fresh(), damaged), name)

    assert docker.images.get(str(name)).id == str(old.id)


@pytest.mark.container
def test_of_an_index_the_engines_platform_is_loaded(docker, name):
    """An engine of Docker's own store keeps one."""
    version = docker.version()
    mine, other = Platform(version["Os"], version["Arch"]), "arm64" if version["Arch"] == "amd64" else "amd64"
    layer = fresh()
    made = Index((image(fresh(), architecture=other), image(layer, architecture=mine.architecture)))

    assert load(docker, made, name) == short(layer)
    with pytest.raises(OutputFailed, match=f"runs {mine}, the image is for linux/{other}"):
        load(docker, Index(made.images[:1]), name)


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


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("write /x: no space left on device", OutputFailed, r"no space left.*docker image prune"),
        (DockerException("refused"), OutputFailed, "does not take the image: refused"),
        (requests.ConnectionError("broken pipe"), EngineUnavailable, "stopped answering.*disk full"),
    ],
)
def test_an_engine_that_fails_is_told(error, kind, message):
    """The error says what the engine said, and what to do."""
    with pytest.raises(kind, match=message):
        write(FakeEngine(errors=[error]), image(fresh()))
