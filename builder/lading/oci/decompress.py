"""The tar archive of a layer, whatever it is compressed with, checked against its diff id."""

import hashlib
import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from lading.digest import Digest
from lading.errors import DigestMismatch, InvalidImage
from lading.oci import media_types
from lading.oci.blob import CHUNK_BYTES
from lading.oci.contents import Part
from lading.oci.image import Layer

_PIECE_BYTES = 1 << 16
"""What is decompressed at once: the rest after a member is copied, and spliced layers have thousands."""

_GZIP = 16 + zlib.MAX_WBITS

_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""The standard library's since Python 3.14, and the same for older ones: the extra ``zstd``."""


class Damaged(Exception):
    """Compressed bytes that are none, or that end too early."""


def uncompressed(layer: Layer) -> Iterator[bytes]:
    """Yield the tar archive of *layer*, a megabyte at a time at most.

    What was yielded is right only when this ends.

    Raises:
        DigestMismatch: it is not the archive of the layer's diff id.
        InvalidImage: the layer cannot be decompressed, or not by this Python.
    """
    chunks, sha256 = Part(layer.descriptor, layer.blob).chunks(), hashlib.sha256()
    try:
        for chunk in _decompressor(layer)(chunks):
            sha256.update(chunk)
            yield chunk
    except Damaged as error:
        raise InvalidImage(f"the layer {layer.descriptor.digest} cannot be decompressed: {error}") from error
    found = Digest(sha256.hexdigest())
    if found != layer.diff_id:
        raise DigestMismatch(
            f"the layer {layer.descriptor.digest} holds {found}, the configuration says {layer.diff_id}",
            hint="the image is damaged; get it anew",
        )


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip members, any number of them in a row, hold.

    Raises:
        Damaged: they are none, or end in the middle of one.
    """
    member = zlib.decompressobj(_GZIP)
    for piece in _pieces(chunks):
        rest = piece
        while rest:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            try:
                out = member.decompress(rest, CHUNK_BYTES)
            except zlib.error as error:
                raise Damaged(str(error)) from error
            if out:
                yield out
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise Damaged("it ends too early")


def unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what Zstandard frames, any number of them in a row, hold.

    Raises:
        Damaged: they are none, or end in the middle of one.
        InvalidImage: this Python has nothing that decompresses them.
    """
    zstd = _zstd()
    frame: _ZstdDecompressor = zstd.ZstdDecompressor()
    for piece in _pieces(chunks):
        rest = piece
        while rest or not (frame.eof or frame.needs_input):
            if frame.eof:
                frame = zstd.ZstdDecompressor()
            try:
                out = frame.decompress(rest, CHUNK_BYTES)
            except zstd.ZstdError as error:
                raise Damaged(str(error)) from error
            if out:
                yield out
            rest = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise Damaged("it ends too early")


class _ZstdDecompressor(Protocol):
    """The standard library's; it keeps input that it did not use yet."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most *max_length* bytes more."""
        ...


def _zstd() -> Any:
    for name in _ZSTD_MODULES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise InvalidImage(
        "a layer is compressed with Zstandard, which this Python does not read",
        hint="pip install 'lading[zstd]'",
    )


def _decompressor(layer: Layer) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    kind = media_types.as_oci(layer.descriptor.media_type).replace("nondistributable.", "")
    found = _DECOMPRESSORS.get(kind)
    if found is None:
        raise InvalidImage(f"the layer {layer.descriptor.digest} is a {layer.descriptor.media_type!r}")
    return found


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[start : start + _PIECE_BYTES]


_DECOMPRESSORS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    media_types.TAR: iter,
    media_types.TAR_GZIP: gunzip,
    media_types.TAR_ZSTD: unzstd,
}
