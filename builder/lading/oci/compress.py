"""Compression whose bytes depend on what is compressed, and on nothing else.

Python's ``zlib`` is whatever zlib its builder linked (zlib, zlib-ng, Intel's, Apple's …), and these find
different matches, some even on different processors: an image's digest would tell who built it. So layers
that do not come out of wheels are compressed with libdeflate, which brings its own code in the package
``deflate``; its matches do not depend on the processor. Its next version may find others: `COMPRESSOR`
belongs into the key of what is kept.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import deflate

from lading.oci.gzip import HEADER, trailer

_LEVEL = 6
"""Denser than zlib's default, at three times its speed; the next levels take long for one per cent."""

COMPRESSOR: Final = f"deflate-{deflate.__version__}-{_LEVEL}"
"""What wrote the bytes."""

MEMBER_BYTES = 1 << 20
"""How much goes into one gzip member: little memory, and hardly less dense than the whole at once."""


def compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks* as gzip members of `MEMBER_BYTES`; how they were cut before does not matter."""
    for block in _blocks(chunks):
        yield HEADER + deflate.deflate_compress(block, _LEVEL) + trailer(zlib.crc32(block), len(block))


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= MEMBER_BYTES:
            yield bytes(waiting[:MEMBER_BYTES])
            del waiting[:MEMBER_BYTES]
    if waiting:
        yield bytes(waiting)
