"""Layouts and archives, read by the programs that users read them with; and what those write."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient
from lading.engines.find import find_engine
from lading.engines.oci.bases.archive import ArchiveBases
from lading.engines.oci.bases.engine import EngineBases
from lading.engines.oci.bases.layout import LayoutBases
from lading.engines.oci.outputs.archive import ArchiveOutput
from lading.engines.oci.outputs.layout import LayoutOutput
from lading.environment import Platform, PythonMinor
from lading.oci.image import Image
from lading.progress import Silent
from lading.reference import ImageRef
from lading.store import Store

from tests.builder.oci.sample import Podman, own_podman, tar_layer
from tests.conftest import run

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("readers of images")]

BASE = "python:3.11-slim-bookworm"
AMD64, PYTHON = Platform("linux", "amd64"), PythonMinor(3, 11)


@dataclass(frozen=True)
class Written:
    """An image that is in a layout and in an archive."""

    image: Image
    name: ImageRef
    layout: Path
    archive: Path
    store: Store

    secret: str
    """What only this image has in its files."""


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerClient]:
    """The engine."""
    client = find_engine()
    yield client
    client.close()


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """A Podman of our own."""
    with own_podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def written(docker, tmp_path_factory) -> Written:
    """The base image with a layer of several gzip members and one that is not compressed."""
    folder, secret = tmp_path_factory.mktemp("written"), uuid.uuid4().hex
    store = Store(folder / "store")
    base = EngineBases(docker, store, Silent()).find(f"docker-daemon:{BASE}", AMD64, PYTHON)
    packed = tar_layer({"opt/packed": secret.encode() * 5000, "opt/x": b"x"}, members=7)
    image = base.image.with_layers([*base.image.layers, packed, tar_layer({"opt/plain": secret.encode()})])
    name = ImageRef.parse(f"localhost/lading-test/{secret}:1")  # without a host, Podman would ask which
    LayoutOutput(folder / "layout", Silent()).write(image, (name,))
    ArchiveOutput(folder / "image.tar", Silent()).write(image, (name,))
    return Written(image, name, folder / "layout", folder / "image.tar", store, secret)


SHOW = ["python3", "-c", "print(open('/opt/packed').read()[:32], open('/opt/plain').read())"]


def test_docker_loads_and_runs_the_archive(docker, written):
    """Its name and its id are the image's, and its files are there."""
    with written.archive.open("rb") as file:
        (loaded,) = docker.images.load(file)
    try:
        output = docker.containers.run(str(written.name), SHOW, remove=True, network_mode="none")
    finally:
        docker.images.remove(str(written.name))

    assert loaded.id == str(written.image.id)
    assert output.decode().split() == [written.secret] * 2


@pytest.mark.parametrize("how", ["pull oci-archive:{archive}", "pull oci:{layout}:1", "load -i {archive}"])
def test_podman_takes_and_runs_it(podman, written, how):
    """From the layout and from the archive."""
    words = how.format(archive=written.archive, layout=written.layout).split()

    image = podman(*words).split()[-1]
    output = podman("run", "--rm", "--network=none", image, *SHOW)

    assert output.split() == [written.secret] * 2
    podman("rmi", "--force", image)


@pytest.mark.parametrize("place", ["oci:{layout}:1", "oci-archive:{archive}", "oci-archive:{archive}:1"])
def test_skopeo_inspects_it(written, place):
    """It sees the manifest and the layers that were written."""
    source = place.format(layout=written.layout, archive=written.archive)

    seen = json.loads(run("skopeo", "inspect", source))

    assert seen["Digest"] == str(written.image.descriptor.digest)
    assert seen["Layers"] == [str(layer.descriptor.digest) for layer in written.image.layers]


def test_skopeo_reads_the_archive_as_dockers(written):
    """By its manifest.json, with its name."""
    seen = json.loads(run("skopeo", "inspect", f"docker-archive:{written.archive}:{written.name}"))

    assert seen["Layers"] == [str(layer.diff_id) for layer in written.image.layers]


@pytest.mark.parametrize("place", ["oci:{layout}:1", "oci-archive:{archive}"])
def test_skopeo_copies_it_unchanged(written, tmp_path, place):
    """A copy has the same digest, and is a base image for the next build."""
    source = place.format(layout=written.layout, archive=written.archive)
    run("skopeo", "copy", "--preserve-digests", source, f"oci:{tmp_path}/copy:again")

    base = LayoutBases(written.store).find(f"oci:{tmp_path}/copy:again", AMD64, PYTHON)

    assert base.digest == written.image.descriptor.digest
    assert base.python == "/usr/bin/python3.11"


def test_umoci_unpacks_it(written, tmp_path):
    """The files are where the layers put them."""
    run("umoci", "unpack", "--image", f"{written.layout}:1", tmp_path / "bundle")

    assert (tmp_path / "bundle/rootfs/opt/plain").read_text() == written.secret
    assert (tmp_path / "bundle/rootfs/opt/packed").read_text() == written.secret * 5000


def test_gnu_tar_lists_it(written):
    """Without a warning."""
    names = run("tar", "--warning=all", "-tf", written.archive).splitlines()

    assert {"oci-layout", "index.json", "manifest.json"} < set(names)
    assert f"blobs/sha256/{written.image.id.hex}" in names


def test_an_archive_of_docker_is_a_base(docker, written, tmp_path):
    """As ``docker save`` writes it; nothing of it is unpacked."""
    path = tmp_path / "saved.tar"
    with path.open("wb") as file:
        file.writelines(docker.images.get(BASE).save(named=True))

    base = ArchiveBases(written.store).find(f"docker-archive:{path}:{BASE}", AMD64, PYTHON)

    assert base.python == "/usr/bin/python3.11"
    assert base.image.layers[0].diff_id == written.image.layers[0].diff_id
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_an_archive_of_podman_is_a_base(podman, written, tmp_path, kind):
    """As ``podman save`` writes it, with any of its formats."""
    image = podman("pull", f"oci-archive:{written.archive}").split()[-1]
    path = tmp_path / "saved.tar"
    podman("save", "--format", kind, "-o", path, image)

    base = ArchiveBases(written.store).find(f"{kind}:{path}", AMD64, PYTHON)

    assert [each.diff_id for each in base.image.layers] == [each.diff_id for each in written.image.layers]
    assert base.python == "/usr/bin/python3.11"
    podman("rmi", "--force", image)


def test_an_image_of_the_engine_is_saved_once(docker, written):
    """The next build reads its layers from the store."""
    base = EngineBases(docker, written.store, Silent())
    offline = docker.api.get_image
    docker.api.get_image = None
    try:
        found = base.find(f"docker-daemon:{BASE}", AMD64, PYTHON)
    finally:
        docker.api.get_image = offline

    assert found.image.layers == written.image.layers[:1]
