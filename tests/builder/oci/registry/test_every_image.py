"""What a name in a registry stands for, on all platforms."""

import pytest
from lading.errors import InvalidImage, RegistryError
from lading.oci.image import Image, Index
from lading.oci.registry.pull import read_every_image

from tests.registries import images


def read(registries, ref):
    """Read what *ref* stands for."""
    return read_every_image(registries.source(ref), str(ref), ref.digest or ref.tag)


def test_an_image_comes_with_its_history(registry, registries):
    """Its layers tell what made them, so that they can be told apart."""
    ref, made = registry.ref("every/one:1"), images.random_image(1)
    registries.push(made, ref)

    found = read(registries, ref)

    assert isinstance(found, Image)
    assert found.descriptor == made.descriptor
    assert [layer.created_by for layer in found.layers] == ["COPY"] * 3


def test_an_index_comes_with_all_its_images(registry, registries):
    """Each platform's; what the index says of itself as well."""
    ref = registry.ref("every/index:1")
    arm = images.image(images.layer(b"arm"), architecture="arm64")
    made = Index((images.random_image(1), arm), {"who": "we"})
    registries.push(made, ref)

    found = read(registries, ref)

    assert isinstance(found, Index)
    assert found.descriptor == made.descriptor


def test_an_index_without_images_is_refused(registry, registries):
    """Nothing in it could be changed."""
    ref = registry.ref("every/empty:1")
    registries.push(Index(()), ref)

    with pytest.raises(InvalidImage, match=r"every/empty:1 is an index without images"):
        read(registries, ref)


def test_what_is_not_there_is_an_error(registry, registries):
    """The message names it."""
    with pytest.raises(RegistryError, match=r"every/gone:1 is not in its registry"):
        read(registries, registry.ref("every/gone:1"))
