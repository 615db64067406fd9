"""Gzip members (RFC 1952) written without a compressor, so that no machine's zlib has a say in their bytes.

A member is a header, a DEFLATE stream (RFC 1951), and the CRC-32 and size of what that stream holds. Any
number of members is one gzip file. Two kinds are written here:

* around a DEFLATE stream that exists already, such as a file's in a zip archive: `HEADER`, the stream,
  `trailer`;
* around bytes that hardly compress or are few, such as tar headers: `member`. Its Huffman code is the fixed
  one, and it finds no repetitions but runs of zeros, of which tar headers mostly consist.

Python's ``gzip`` module writes another operating system into the header from one version to the next.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""DEFLATE, no flags, no time, no extra flags, operating system unknown."""

STORED_BYTES = 0xFFFF
"""How much a stored block can hold."""

_FIXED_BYTES = 1 << 14
"""Longer data is stored: what is long and still comes here was not worth compressing to who packed it."""

_RUN = re.compile(rb"\0{4,259}|0{4,259}")
"""What tar headers mostly are: empty fields, and octal numbers with leading zeros."""

_TRAILER = struct.Struct("<II")
_BLOCK = struct.Struct("<BHH")
_FINAL_FIXED = "110"
_END = "0" * 7
_DISTANCE_1 = "0" * 5
_MAX_LENGTH = 258


def trailer(crc32: int, size_bytes: int) -> bytes:
    """Return what follows the DEFLATE stream of *size_bytes*; the size is kept modulo 4 GiB."""
    return _TRAILER.pack(crc32, size_bytes & 0xFFFFFFFF)


def member(data: bytes) -> bytes:
    """Return *data* as a gzip member; the same bytes on every machine."""
    stream = _fixed(data) if len(data) <= _FIXED_BYTES else None
    if stream is None or len(stream) > _BLOCK.size + len(data):
        stream = b"".join(_stored(data))
    return HEADER + stream + trailer(zlib.crc32(data), len(data))


def stored_block(size_bytes: int, *, is_last: bool) -> bytes:
    """Return what precedes *size_bytes* of data, at most `STORED_BYTES`, in a stored block."""
    return _BLOCK.pack(is_last, size_bytes, size_bytes ^ 0xFFFF)


def _stored(data: bytes) -> Iterator[bytes]:
    bounds = [*range(0, len(data), STORED_BYTES), len(data)]
    for start, end in pairwise(bounds) if data else [(0, 0)]:
        yield stored_block(end - start, is_last=end == len(data))
        yield data[start:end]


def _fixed(data: bytes) -> bytes:
    """Return *data* as one DEFLATE block with the fixed Huffman code."""
    bits, position = [_FINAL_FIXED], 0
    characters = data.decode("latin-1")  # one for each byte: str.translate replaces them by bits
    for run in _RUN.finditer(data):
        start, end = run.span()
        bits += (characters[position : start + 1].translate(_LITERALS), _REPEATS[end - start - 1])
        position = end
    bits += (characters[position:].translate(_LITERALS), _END)
    text = "".join(bits)
    return int(text[::-1], 2).to_bytes(-(-len(text) // 8), "little")


def _codes() -> Iterator[str]:
    """Give the fixed Huffman code of each symbol (RFC 1951, section 3.2.6), its first bit first."""
    for first, count, bits in ((0b00110000, 144, 8), (0b110010000, 112, 9), (0, 24, 7), (0b11000000, 8, 8)):
        yield from (f"{first + index:0{bits}b}" for index in range(count))


def _repeats() -> dict[int, str]:
    """Return the bits that repeat the last byte so many times (RFC 1951, section 3.2.5)."""
    found, length = {}, 3
    extra_bits = (0, 0, 0, 0, *(bits for bits in range(6) for _ in range(4)))
    for code, bits in zip(_CODES[257:285], extra_bits, strict=True):
        for extra in range(1 << bits):
            found[length] = code + (f"{extra:0{bits}b}"[::-1] if bits else "") + _DISTANCE_1
            length += 1
    return found | {_MAX_LENGTH: _CODES[285] + _DISTANCE_1}


_CODES = tuple(_codes())
_LITERALS = dict(enumerate(_CODES[:256]))
_REPEATS = _repeats()
