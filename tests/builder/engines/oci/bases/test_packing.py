"""Layers of engines, compressed once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from lading.engines.oci.bases.packing import pack
from lading.errors import DigestMismatch
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.decompress import uncompressed
from lading.oci.image import Image, Layer
from lading.progress import Silent

from tests.builder.oci.sample import tar_layer


@dataclass(frozen=True)
class Unreadable:
    """A layer that must not be read again."""

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Fail."""
        raise AssertionError("the layer was read")


def image(*layers: Layer) -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


def test_an_image_stays_the_same_when_it_is_packed(store):
    """Its id and its files are; its layers are smaller, and those that were packed are not touched."""
    packed = tar_layer({"packed": b"x"}, members=1)
    made = image(tar_layer({"plain": bytes(100_000)}), packed)

    smaller = pack(made, store, Silent())

    first = smaller.layers[0]
    assert (smaller.id, smaller.layers[1]) == (made.id, packed)
    assert (first.descriptor.media_type, first.tar_bytes) == (
        media_types.TAR_GZIP,
        made.layers[0].descriptor.size_bytes,
    )
    assert first.descriptor.size_bytes < 2000
    assert b"".join(uncompressed(first)) == b"".join(made.layers[0].blob.chunks())


def test_a_layer_is_packed_once(store):
    """The second time it is not even read; where the store lost it, it is packed to the same bytes."""
    plain = tar_layer({"plain": bytes(100_000)})
    first = pack(image(plain), store, Silent()).layers[0]

    again = pack(image(replace(plain, blob=Unreadable())), store, Silent()).layers[0]
    store.path(first.descriptor.digest).unlink()
    anew = pack(image(plain), store, Silent()).layers[0]

    assert first == again == anew
    assert b"".join(uncompressed(anew))


def test_a_damaged_layer_is_not_packed(store):
    """Nothing is kept of it."""
    plain = tar_layer({"plain": b"x"})
    damaged = replace(plain, blob=BytesBlob(bytes(plain.descriptor.size_bytes)))

    with pytest.raises(DigestMismatch):
        pack(image(damaged), store, Silent())

    assert pack(image(plain), store, Silent()).id == image(plain).id
