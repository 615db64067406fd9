"""Base images from registries."""

from dataclasses import replace

import pytest
from lading.engines.oci.bases.registry import RegistryBases
from lading.engines.oci.outputs.registry import RegistryOutput
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, LadingError
from lading.oci.image import Image, Index
from lading.oci.registry.registries import Registries
from lading.store import Store

from tests.builder.oci.registry.conftest import settings
from tests.registries.debian import running_registry
from tests.registries.images import AMD64, contents, image, layer

pytestmark = pytest.mark.container

PYTHON = PythonMinor(3, 11)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry of our own."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def registries():
    """A client that does not wait."""
    with Registries(settings()) as registries:
        yield registries


def python_image(version: str = "3.11.9", architecture: str = "amd64") -> Image:
    """Return an image whose configuration says what official Python images say."""
    env = ["PATH=/usr/local/bin:/usr/bin", f"PYTHON_VERSION={version}"]
    return image(layer(f"{version} {architecture}".encode()), architecture=architecture, Env=env)


def test_a_base_has_its_digest_and_its_python(registry, registries, store):
    """The digest is what the tag names now; nobody has read a layer."""
    ref, made = registry.ref("bases/python:3.11"), python_image()
    RegistryOutput(registries).write(made, (ref,))
    before = len(registry.requests())

    base = RegistryBases(registries, store).find(str(ref), AMD64, PYTHON)

    assert (base.digest, base.python) == (made.descriptor.digest, "/usr/local/bin/python3.11")
    blobs = [path for _, path, _ in registry.requests()[before:] if "/blobs/" in path]
    assert blobs == [f"/v2/bases/python/blobs/{made.id}"]


def test_a_base_of_several_platforms(registry, registries, store):
    """Its digest is the index's, its layers are the platform's."""
    ref, arm = registry.ref("bases/index:3.11"), python_image(architecture="arm64")
    index = Index((python_image(), arm))
    RegistryOutput(registries).write(index, (ref,))

    base = RegistryBases(registries, store).find(str(ref), Platform("linux", "arm64"), PYTHON)

    assert base.digest == index.descriptor.digest
    assert contents(base.image) == contents(arm)


def test_a_base_that_was_used_needs_no_registry(tmp_path, registries, store):
    """By digest always, by tag while offline; layers that were read stay here."""
    made = python_image()
    with running_registry(tmp_path / "gone") as registry:
        ref = registry.ref("bases/python:3.11")
        RegistryOutput(registries).write(made, (ref,))
        online = RegistryBases(registries, store)
        contents(online.find(str(ref), AMD64, PYTHON).image)
        pinned = str(replace(ref, digest=made.descriptor.digest))

    with Registries(settings()) as nobody:
        by_digest = RegistryBases(nobody, store).find(pinned, AMD64, PYTHON)
        by_tag = RegistryBases(nobody, store, is_offline=True).find(str(ref), AMD64, PYTHON)

        assert by_digest.digest == by_tag.digest == made.descriptor.digest
        assert contents(by_digest.image) == contents(by_tag.image) == contents(made)


def test_nothing_is_asked_while_offline(registry, registries, store, tmp_path):
    """Neither for a tag nor for a layer; the errors say how to get them."""
    ref = registry.ref("bases/offline:3.11")
    RegistryOutput(registries).write(python_image(), (ref,))
    offline = RegistryBases(registries, store, is_offline=True)
    with pytest.raises(LadingError, match="nobody is asked while offline; leave out --offline"):
        offline.find(str(ref), AMD64, PYTHON)
    RegistryBases(registries, store).find(str(ref), AMD64, PYTHON)

    base = offline.find(str(ref), AMD64, PYTHON)

    with pytest.raises(LadingError, match="is not asked while offline"):
        contents(base.image)
    with pytest.raises(LadingError, match="is not known"):
        RegistryBases(registries, Store(tmp_path / "other"), is_offline=True).find(str(ref), AMD64, PYTHON)


def test_a_base_without_the_python_or_the_platform_is_refused(registry, registries, store):
    """The error says what it has, and what to do."""
    ref = registry.ref("bases/old:3.9")
    RegistryOutput(registries).write(python_image("3.9.1"), (ref,))
    bases = RegistryBases(registries, store)

    with pytest.raises(BuildFailed, match=r"the model needs 3\.11"):
        bases.find(str(ref), AMD64, PYTHON)
    with pytest.raises(BuildFailed, match="is for linux/amd64, not for linux/arm64"):
        bases.find(str(ref), Platform("linux", "arm64"), PYTHON)


def test_a_base_that_is_nowhere_is_told(registry, registries, store):
    """The error names it."""
    ref = registry.ref("bases/nowhere:1")

    with pytest.raises(LadingError, match=f"{ref} is not in its registry"):
        RegistryBases(registries, store).find(str(ref), AMD64, PYTHON)
