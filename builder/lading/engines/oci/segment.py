"""A wheel's piece of a layer: tar headers written here, and stretches of the wheel that stay where they are.

A layer in ``tar+gzip`` is a sequence of gzip members. A wheel keeps each file as a DEFLATE stream with its
size and CRC-32, which is what a gzip member consists of; so a layer is made without compressing anything:

    member( tar header )   HEADER · the wheel's DEFLATE stream · trailer   member( padding, tar header )   …

What a segment holds is only the members between, a fiftieth of the wheel's size, and where in the wheel the
streams are. It depends on nothing but the wheel, the environment's folder and the Python minor version, so
it is kept in the store, and any environment is a concatenation of segments. Folders are not part of it:
a layer has each of them once, before all files.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from lading.engines.oci.wheel import Span, inflate, read
from lading.oci import gzip
from lading.oci.tar import TarEntry, padding

if TYPE_CHECKING:
    from lading.engines.oci.placing import PlacedFile

TRANSFORM = 1
"""Of the bytes that are made of a wheel; counted up with every change of this or of what it stands on."""

_FOLDED_BYTES = 256
"""Smaller files are written between: a member of their own would be larger."""

_ROW = struct.Struct("<IQQQI?")
_COUNT = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of our own, and then a file's bytes as the wheel has them."""

    own: bytes
    """A gzip member."""

    span: Span | None
    """None after the last file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a wheel is in a layer."""

    paths: tuple[str, ...]
    """Of its files, below the environment, sorted."""

    pieces: tuple[Piece, ...]

    def encode(self) -> bytes:
        """Return it as bytes, to be kept."""
        paths = json.dumps(self.paths).encode()
        rows = b"".join(_ROW.pack(len(piece.own), *_numbers(piece.span)) for piece in self.pieces)
        own = b"".join(piece.own for piece in self.pieces)
        return _COUNT.pack(len(paths), len(self.pieces)) + paths + rows + own

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what `encode` made bytes of."""
        path_bytes, count = _COUNT.unpack_from(data)
        rows = _COUNT.size + path_bytes
        paths = json.loads(data[_COUNT.size : rows])
        position, pieces = rows + count * _ROW.size, []
        for own_bytes, *numbers in _ROW.iter_unpack(data[rows:position]):
            span = Span(*numbers) if any(numbers) else None
            pieces.append(Piece(data[position : position + own_bytes], span))
            position += own_bytes
        return cls(tuple(paths), tuple(pieces))


def _numbers(span: Span | None) -> tuple[int, int, int, int, bool]:
    if span is None:
        return (0, 0, 0, 0, False)
    return (span.offset_bytes, span.packed_bytes, span.size_bytes, span.crc32, span.is_deflated)


def make_segment(wheel: Path, files: "tuple[PlacedFile, ...]", target: str) -> Segment:
    """Return the segment of *wheel*.

    Args:
        wheel: the file.
        files: what it becomes, sorted.
        target: the environment's folder in the image.

    Raises:
        InvalidWheel: a small file is not what the wheel's directory says.
    """
    pieces, own = [], bytearray()
    with wheel.open("rb") as file:
        for placed in files:
            size, content = _content(file, placed)
            mode = 0o755 if placed.is_executable else 0o644
            own += TarEntry(f"{target.strip('/')}/{placed.path}", size_bytes=size, mode=mode).header()
            if isinstance(content, Span):
                pieces.append(Piece(gzip.member(bytes(own)), content))
                own.clear()
            else:
                own += content
            own += padding(size)
    pieces.append(Piece(gzip.member(bytes(own)), None))
    return Segment(tuple(placed.path for placed in files), tuple(pieces))


def _content(file: BinaryIO, placed: "PlacedFile") -> tuple[int, Span | bytes]:
    content = placed.content
    if isinstance(content, bytes):
        return len(content), content
    if content.size_bytes < _FOLDED_BYTES:
        return content.size_bytes, read(file, content)
    return content.size_bytes, content


def compressed(segment: Segment) -> Iterator[bytes | Span]:
    """Give what the segment is in a compressed layer: bytes, and stretches of the wheel as they are."""
    for piece in segment.pieces:
        yield piece.own
        if piece.span is not None:
            yield gzip.HEADER
            yield from [piece.span] if piece.span.is_deflated else _blocks(piece.span)
            yield gzip.trailer(piece.span.crc32, piece.span.size_bytes)


def _blocks(span: Span) -> Iterator[bytes | Span]:
    """Give stored blocks around bytes that the wheel does not compress."""
    for start in range(0, span.size_bytes, gzip.STORED_BYTES):
        size = min(gzip.STORED_BYTES, span.size_bytes - start)
        yield gzip.stored_block(size, is_last=start + size == span.size_bytes)
        yield Span(span.offset_bytes + start, size, size, 0, is_deflated=False)


def plain(segment: Segment, file: BinaryIO) -> Iterator[bytes]:
    """Give what the segment is in a layer without compression.

    Raises:
        InvalidWheel: the wheel *file* holds something else than its directory says.
    """
    for piece in segment.pieces:
        yield zlib.decompress(piece.own, zlib.MAX_WBITS | 16)
        if piece.span is not None:
            yield from inflate(file, piece.span)
