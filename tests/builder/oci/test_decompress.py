"""Layers without their compression."""

import gzip
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.errors import DigestMismatch, InvalidImage
from lading.oci import decompress, media_types
from lading.oci.blob import BytesBlob
from lading.oci.decompress import uncompressed
from lading.oci.descriptor import Descriptor
from lading.oci.image import Layer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    media_types.TAR_GZIP: gzip.compress,
    media_types.TAR_ZSTD: zstd.compress,
}


def layer(kind: str, blob: bytes, content: bytes) -> Layer:
    """Return a layer that is stored as *blob*."""
    return Layer(Descriptor.of(kind, blob), Digest.of(content), BytesBlob(blob))


@given(st.lists(st.binary(max_size=300_000), min_size=1, max_size=4), st.sampled_from(sorted(PACKERS)))
def test_any_number_of_members_is_one_archive(contents, kind):
    """Gzip members and Zstandard frames in a row give their contents in a row."""
    blob = b"".join(map(PACKERS[kind], contents))

    assert b"".join(uncompressed(layer(kind, blob, b"".join(contents)))) == b"".join(contents)


def test_thousands_of_members_are_read():
    """As in layers that are spliced of wheels."""
    contents = [b"%d" % number * 20 for number in range(5000)]

    blob = b"".join(map(gzip.compress, contents))

    assert b"".join(uncompressed(layer(media_types.TAR_GZIP, blob, b"".join(contents)))) == b"".join(contents)


@pytest.mark.parametrize("kind", sorted(PACKERS))
def test_little_that_holds_much_does_not_fill_the_memory(kind):
    """Chunks are a megabyte at most, however well the layer is compressed."""
    content = bytes(50 << 20)

    sizes = [len(chunk) for chunk in uncompressed(layer(kind, PACKERS[kind](content), content))]

    assert sum(sizes) == len(content)
    assert max(sizes) <= 1 << 20


def test_what_is_not_compressed_is_itself():
    """And is checked as well."""
    assert b"".join(uncompressed(layer(media_types.TAR, b"tar", b"tar"))) == b"tar"
    with pytest.raises(DigestMismatch, match="the configuration says"):
        list(uncompressed(layer(media_types.TAR, b"tar", b"other")))


def test_kinds_of_docker_are_known():
    """They differ in name only."""
    kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    assert b"".join(uncompressed(layer(kind, gzip.compress(b"tar"), b"tar"))) == b"tar"


@given(st.data(), st.sampled_from(sorted(PACKERS)))
def test_a_damaged_layer_is_refused(data, kind):
    """Cut or changed anywhere, it is refused, and never taken for another one."""
    blob = bytearray(PACKERS[kind](b"some content that is compressed" * 9))
    at = data.draw(st.integers(0, len(blob) - 1))
    if data.draw(st.booleans()):
        blob[at] ^= data.draw(st.integers(1, 255))
    else:
        del blob[at:]
    try:
        found = b"".join(uncompressed(layer(kind, bytes(blob), b"some content that is compressed" * 9)))
    except (InvalidImage, DigestMismatch):
        return

    assert found == b"some content that is compressed" * 9  # a flag of the header was changed


def test_another_checksum_is_refused():
    """Gzip's own, where the digest of the blob is right."""
    blob = gzip.compress(b"content")
    blob = blob[:-8] + zlib.crc32(b"other").to_bytes(4, "little") + blob[-4:]

    with pytest.raises(InvalidImage, match="cannot be decompressed"):
        list(uncompressed(layer(media_types.TAR_GZIP, blob, b"content")))


def test_zstandard_may_be_missing(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr(decompress, "_ZSTD_MODULES", ("no_such_module",))

    with pytest.raises(InvalidImage, match=r"lading\[zstd\]"):
        list(uncompressed(layer(media_types.TAR_ZSTD, zstd.compress(b"tar"), b"tar")))


def test_an_unknown_kind_is_refused():
    """The error names it."""
    with pytest.raises(InvalidImage, match=r"tar\+xz"):
        list(uncompressed(layer(media_types.TAR + "+xz", b"", b"")))
