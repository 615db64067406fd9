"""The same images through BuildKit, where `docker buildx` is."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from docker import DockerClient
from lading.engines.buildx import BuildxBuilder, has_buildx
from lading.engines.docker import DockerEngine
from lading.engines.find import find_engine
from lading.errors import BuildFailed
from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan
from lading.progress import Silent
from lading.reference import ImageRef

pytestmark = pytest.mark.container

NAME = ImageRef.parse(f"lading-test/{uuid.uuid4().hex[:12]}:buildx")


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    """An engine that BuildKit builds in."""
    client = find_engine()
    if not has_buildx(client, {**os.environ, "DOCKER_BUILDKIT": "1"}):
        pytest.skip("docker buildx is not installed")
    yield client
    client.images.remove(str(NAME), force=True)
    client.close()


def build(client: DockerClient, store, plan: ImagePlan, *, is_fresh: bool = False) -> BuiltImage:
    """Build *plan*."""
    builder = BuildxBuilder(client, lambda _: Path(uv.find_uv_bin()), Silent(), is_fresh=is_fresh)
    return DockerEngine(client, store, builder, Silent()).build(plan, ImageNames((NAME,)))


def test_buildkit_builds_and_finds_again(client, store, plan_of):
    """A changed model changes one layer, a rebuild is the same image, and it starts."""
    first = build(client, store, plan_of())
    again = build(client, store, plan_of())
    (plan_of.model / "MLmodel").write_text("changed")
    changed = build(client, store, plan_of())

    output = client.containers.run(str(NAME), ["serve"], remove=True, network_mode="none", read_only=True)
    assert again.id == first.id
    assert changed.layers[:-1] == first.layers[:-1]
    assert changed.layers[-1] != first.layers[-1]
    assert output == b"served with ['serve']\n"


def test_a_failed_build_leaves_the_old_image(client, store, plan_of, packages):
    """A wheel that is not what was locked ends the build; the name keeps its image."""
    first = build(client, store, plan_of())
    plan = plan_of()
    packages.wheel("alpha", size=10)

    with pytest.raises(BuildFailed, match=r"BuildKit cannot build the image: .*install.py"):
        build(client, store, plan, is_fresh=True)

    assert str(first.id) == client.images.get(str(NAME)).id


def test_buildkit_can_be_turned_off():
    """DOCKER_BUILDKIT=0 means here what it means for `docker build`."""
    client = find_engine()

    assert not has_buildx(client, {"DOCKER_BUILDKIT": "0"})
    client.close()
