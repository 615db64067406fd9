"""Compression that is the same everywhere."""

import gzip
import hashlib

from hypothesis import given
from hypothesis import strategies as st
from lading.oci.compress import COMPRESSOR, MEMBER_BYTES, compressed


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_gzip_reads_what_was_written(chunks):
    """Any reader of gzip files gets the bytes, however they came in."""
    assert gzip.decompress(b"".join(compressed(chunks))) == b"".join(chunks)


def test_how_bytes_were_cut_does_not_matter():
    """A layer's digest is of what is in it."""
    data = hashlib.shake_128(b"x").digest(1000) * 3000

    whole = b"".join(compressed([data]))
    pieces = b"".join(compressed(data[i : i + 7777] for i in range(0, len(data), 7777)))

    assert whole == pieces
    assert whole.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff") == -(-len(data) // MEMBER_BYTES)
    assert len(whole) < len(data) / 50


def test_the_compressor_is_the_one_that_the_digests_are_of():
    """Another version may find other matches: then images change, and this test says so."""
    words = [f"{number * number} 15" for number in range(100_000)]

    digest = hashlib.sha256(b"".join(compressed([" ".join(words).encode()]))).hexdigest()

    assert (COMPRESSOR, digest[:16]) == ("deflate-0.9.0-6", "f057ecf5b281a8a2")
