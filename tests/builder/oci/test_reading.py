"""Images of a layout, for all that they run on."""

import json
from collections.abc import Sequence

import pytest
from lading.digest import Digest
from lading.errors import BuildFailed, InvalidImage
from lading.oci.blob import Blob
from lading.oci.image import Image, Index
from lading.oci.layout import Layout
from lading.oci.reading import find_every_image
from lading.reference import ImageRef

from tests.registries import images

NAME = ImageRef.parse("registry.example/iris:1")
BOTH = Index((images.random_image(1), images.image(images.layer(b"arm"), architecture="arm64")), {})


def test_an_image_is_found_with_its_name(tmp_path):
    """The whole name is what a changed image takes."""
    made = images.random_image(1)
    Layout(tmp_path).write(made, [NAME])

    found = Layout(tmp_path).find_for_all("1")

    assert found.name == str(NAME)
    assert isinstance(found.made, Image)
    assert found.made.descriptor == made.descriptor


def test_an_index_is_found_with_all_its_images(tmp_path):
    """Each platform's image is read."""
    Layout(tmp_path).write(BOTH, [NAME])

    found = Layout(tmp_path).find_for_all(None)

    assert isinstance(found.made, Index)
    assert found.made.descriptor == BOTH.descriptor


def test_what_is_not_there_is_refused(tmp_path):
    """The error says which names there are."""
    Layout(tmp_path).write(BOTH, [NAME])

    with pytest.raises(BuildFailed, match=r"no image 'other'; it has: 1, registry.example/iris:1"):
        Layout(tmp_path).find_for_all("other")


def index(entries: Sequence[dict[str, object]]) -> bytes:
    """An ``index.json``."""
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def nothing(_: object) -> Blob:
    """Have no blob."""
    raise AssertionError


def test_attestations_are_no_images():
    """An index that lists nothing else has no image that could be changed."""
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": str(Digest.of(b"")),
        "size": 0,
        "platform": {"os": "unknown", "architecture": "unknown"},
    }

    with pytest.raises(InvalidImage, match="an index without images"):
        find_every_image(index([entry, entry]), None, nothing)
