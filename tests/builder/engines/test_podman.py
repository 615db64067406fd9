"""The same images through Podman's socket."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from docker import DockerClient
from lading.engines.classic import ClassicBuilder
from lading.engines.docker import DockerEngine
from lading.engines.find import find_engine
from lading.errors import EngineUnavailable
from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan
from lading.progress import Silent
from lading.reference import ImageRef

pytestmark = [
    pytest.mark.container,
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]

BASE = "python:3.11-slim-bookworm"

SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[engine]
lock_type = "file"
"""
"""Podman's own limits are more than a machine may give that is a container itself, and its locks are those
of the whole machine."""


@pytest.fixture(scope="module")
def podman() -> Iterator[DockerClient]:
    """Podman with storage of its own, and the base image in it."""
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # Podman wants short names
    (folder / "containers.conf").write_text(SETTINGS)
    url = f"unix://{folder}/podman.sock"
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run")]
    command = [str(shutil.which("podman")), *storage, "system", "service", "--time", "0", url]
    with (folder / "log").open("w") as log:
        service = subprocess.Popen(
            command,
            env={"CONTAINERS_CONF": str(folder / "containers.conf"), "PATH": "/usr/sbin:/usr/bin"},
            stderr=log,
        )
    client = _client(url, service, folder / "log")
    docker = find_engine()
    client.images.load(b"".join(docker.images.get(BASE).save(named=True)))
    docker.close()
    yield client
    for image in client.images.list():
        client.images.remove(str(image.id), force=True)
    client.close()
    service.terminate()
    service.wait()
    unmount = [str(shutil.which("umount")), "--lazy", str(folder / "root" / "overlay")]
    subprocess.run(unmount, check=True)
    shutil.rmtree(folder)


def _client(url: str, service: subprocess.Popen[bytes], log: Path) -> DockerClient:
    while True:
        try:
            return find_engine({"DOCKER_HOST": url})
        except EngineUnavailable:
            assert service.poll() is None, log.read_text()
            time.sleep(0.05)


def build(client: DockerClient, store, plan: ImagePlan) -> BuiltImage:
    """Build *plan*."""
    builder = ClassicBuilder(client, store, lambda _: Path(uv.find_uv_bin()), Silent())
    engine = DockerEngine(client, store, builder, Silent())
    return engine.build((plan,), ImageNames((ImageRef.parse("lading-test/podman"),)))


def test_podman_builds_and_finds_again(podman, store, plan_of):
    """A changed model changes one layer, a rebuild is the same image, and no stage is left over."""
    first = build(podman, store, plan_of())
    again = build(podman, store, plan_of())
    (plan_of.model / "MLmodel").write_text("changed")
    changed = build(podman, store, plan_of())

    output = podman.containers.run("lading-test/podman", ["serve"], remove=True, network_mode="none")
    labels = [image.labels.get("ai.lading.stage") for image in podman.images.list(all=True)]
    assert again.id == first.id
    assert changed.layers[:-1] == first.layers[:-1]
    assert changed.layers[-1] != first.layers[-1]
    assert output == b"served with ['serve']\n"
    assert "install" not in labels
