"""Base images of an engine: saved once, and again where what was kept is damaged."""

import os
import uuid
from collections.abc import Iterator

import pytest
import requests
from docker import DockerClient
from lading.engines.find import find_engine
from lading.engines.oci.bases.engine import EngineBases
from lading.engines.oci.outputs.engine import EngineOutput
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, EngineUnavailable
from lading.oci.config import Config
from lading.oci.decompress import uncompressed
from lading.oci.image import Image
from lading.progress import Silent
from lading.reference import ImageRef
from lading.store import Store

from tests.builder.oci.sample import tar_layer

pytestmark = pytest.mark.container

PYTHON = PythonMinor(3, 11)


@pytest.fixture
def docker() -> Iterator[DockerClient]:
    """The engine."""
    client = find_engine()
    yield client
    client.close()


@pytest.fixture
def platform(docker) -> Platform:
    """What the engine runs."""
    version = docker.version()
    return Platform(version["Os"], version["Arch"])


@pytest.fixture
def made(docker, platform) -> Iterator[tuple[ImageRef, Image]]:
    """An image of two layers, one of them twice, that is in the engine."""
    run = {"Env": ["PATH=/usr/local/bin", "PYTHON_VERSION=3.11.2"]}
    empty = {"os": platform.os, "architecture": platform.architecture, "config": run}
    config = Config({**empty, "rootfs": {"type": "layers", "diff_ids": []}})
    layers = [tar_layer({name: os.urandom(100)}) for name in "ab"]
    image = Image(config, ()).with_layers([*layers, layers[0]])
    name = ImageRef.parse(f"lading-test/{uuid.uuid4().hex}:1")
    EngineOutput(docker, Silent()).write(image, (name,))
    yield name, image
    docker.images.remove(str(name))


def find(docker: DockerClient, store: Store, name: object, platform: Platform) -> Image:
    """Return a base image."""
    return EngineBases(docker, store, Silent()).find(f"docker-daemon:{name}", platform, PYTHON).image


def test_layers_come_as_they_are(docker, store, platform, made):
    """All of them, also one that is there twice, which Docker saves as a link."""
    name, image = made

    found = find(docker, store, name, platform)

    assert [each.diff_id for each in found.layers] == [each.diff_id for each in image.layers]
    assert [b"".join(uncompressed(each)) for each in found.layers] == [
        b"".join(each.blob.chunks()) for each in image.layers
    ]


def test_it_is_saved_once(docker, store, platform, made, monkeypatch):
    """The next build only asks what the name stands for."""
    name, _ = made
    first = find(docker, store, name, platform)
    monkeypatch.setattr(docker.api, "get_image", None)

    assert find(docker, store, name, platform) == first


def test_what_was_kept_and_is_damaged_is_saved_anew(docker, store, platform, made):
    """Missing or changed, compressed or not."""
    name, image = made
    first = find(docker, store, name, platform)
    for path in (store.path(image.layers[0].diff_id), store.path(first.layers[0].descriptor.digest)):
        path.chmod(0o644)
        path.write_bytes(bytes(path.stat().st_size))

    assert find(docker, store, name, platform) == first
    assert b"".join(uncompressed(first.layers[0])) == b"".join(image.layers[0].blob.chunks())
    store.path(image.layers[1].diff_id).unlink()
    assert find(docker, store, name, platform) == first


def test_a_missing_image_is_told(docker, store, platform):
    """With the command that gets it."""
    with pytest.raises(BuildFailed, match=r"no such image; docker pull no/such:image"):
        find(docker, store, "no/such:image", platform)


def test_an_image_for_another_platform_is_refused(docker, store, made):
    """Before anything is saved."""
    with pytest.raises(BuildFailed, match=r"it is for .*, not for linux/s390x"):
        find(docker, store, made[0], Platform("linux", "s390x"))


def test_an_engine_that_goes_away_is_told(docker, store, platform, made, monkeypatch):
    """In the middle of an image; nothing of it is taken for whole."""
    name, image = made

    def broken(*_: object) -> Iterator[bytes]:
        yield bytes(100)
        raise requests.ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(docker.api, "get_image", broken)
        with pytest.raises(EngineUnavailable, match="stopped answering"):
            find(docker, store, name, platform)

    assert len(find(docker, store, name, platform).layers) == len(image.layers)
