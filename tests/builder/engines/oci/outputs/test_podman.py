"""Loading into Podman, through its socket."""

import os
import time
from collections.abc import Iterator
from subprocess import DEVNULL, Popen

import pytest
from docker import DockerClient
from lading.engines.find import find_engine
from lading.engines.oci.bases.engine import EngineBases
from lading.engines.oci.outputs.engine import EngineOutput
from lading.environment import Platform, PythonMinor
from lading.errors import EngineUnavailable
from lading.oci.config import Config
from lading.oci.image import Image, Layer
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import own_podman, tar_layer

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("readers of images")]

NAME = ImageRef.parse("lading-test/podman-load:1")


def image(*layers: Layer) -> Image:
    """Return an image of layers that says that it is an official one."""
    run = {"Env": ["PATH=/usr/local/bin", "PYTHON_VERSION=3.11.2"]}
    empty = {
        "os": "linux",
        "architecture": "amd64",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return Image(Config(empty), ()).with_layers(layers)


@pytest.fixture(scope="module")
def podman() -> Iterator[DockerClient]:
    """A client of a Podman of our own."""
    with own_podman() as own:
        url = f"unix://{own.folder}/podman.sock"
        with Popen(own.command("system", "service", "--time=0", url), stderr=DEVNULL) as service:
            client = _client(url, service)
            yield client
            client.close()
            service.terminate()


def _client(url: str, service: Popen[bytes]) -> DockerClient:
    while True:
        try:
            return find_engine({"DOCKER_HOST": url})
        except EngineUnavailable:
            assert service.poll() is None
            time.sleep(0.05)


def test_a_changed_image_takes_the_name(podman):
    """Known layers or not, it has the id of its configuration and exactly the names that were given."""
    below = tar_layer({"a": os.urandom(9)})
    first, second = (image(below, tar_layer({"b": os.urandom(9)}, members=3)) for _ in range(2))
    output = EngineOutput(podman, Silent())

    for made in (first, second, second):
        output.write(made, (NAME,))

    assert output.describe(second, (NAME,)).id == second.id
    assert podman.images.get(str(NAME)).tags == [f"docker.io/{NAME}"]


def test_an_image_of_podman_is_a_base(podman, store):
    """Its layers come out of it as they went in."""
    made = image(tar_layer({"a": os.urandom(9)}))
    EngineOutput(podman, Silent()).write(made, (NAME,))

    base = EngineBases(podman, store, Silent()).find(
        f"docker-daemon:{NAME}", Platform("linux", "amd64"), PythonMinor(3, 11)
    )

    assert [each.diff_id for each in base.image.layers] == [each.diff_id for each in made.layers]
    assert base.python == "/usr/local/bin/python3.11"
