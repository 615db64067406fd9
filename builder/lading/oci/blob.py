"""Where the bytes of a layer come from; nothing is read before somebody asks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lading.digest import Digest
from lading.errors import DigestMismatch

CHUNK_BYTES = 1 << 20


class Blob(Protocol):
    """Bytes that can be read any number of times, always the same."""

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield the bytes from *start_bytes* on, about a megabyte at a time.

        Raises:
            DigestMismatch: they are not what they were (noticed at the end, at the latest, by who hashes).
            LadingError: they cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileBlob:
    """A file on this machine that nobody changes: a blob of the store, or of an image layout."""

    path: Path

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield the file's bytes."""
        with self.path.open("rb") as file:
            file.seek(start_bytes)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


@dataclass(frozen=True, slots=True)
class FilePart:
    """A stretch of a file: a blob inside of an uncompressed archive."""

    path: Path
    offset_bytes: int
    size_bytes: int

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield that stretch."""
        with self.path.open("rb") as file:
            file.seek(self.offset_bytes + start_bytes, os.SEEK_SET)
            left = self.size_bytes - start_bytes
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True, slots=True)
class BytesBlob:
    """Bytes in memory: a configuration, or a layer of a few files."""

    data: bytes

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield them at once."""
        yield self.data[start_bytes:]


def read_all(blob: Blob, digest: Digest) -> bytes:
    """Return all bytes of a small *blob*.

    Raises:
        DigestMismatch: they are not those of *digest*.
    """
    data = b"".join(blob.chunks())
    if Digest.of(data) != digest:
        raise DigestMismatch(f"expected {digest}, got {Digest.of(data)}")
    return data
