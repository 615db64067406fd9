"""A layer of wheels: folders, then a segment for each wheel, then the end of the archive."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from lading.digest import Digest
from lading.engines.oci.segment import Segment, compressed, plain
from lading.engines.oci.segments import LayerWheel, Segments
from lading.engines.oci.venv import folder_headers
from lading.engines.oci.wheel import Span, packed
from lading.oci import gzip
from lading.oci.blob import CHUNK_BYTES
from lading.oci.tar import END


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What a layer's description needs of its bytes."""

    digest: Digest
    size_bytes: int
    diff_id: Digest

    tar_bytes: int | None = None
    """The size without compression, where that was counted; an engine is told it before the bytes."""

    def encode(self) -> bytes:
        """Return it as bytes, to be kept."""
        return json.dumps([str(self.digest), self.size_bytes, str(self.diff_id), self.tar_bytes]).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what `encode` made bytes of."""
        digest, size_bytes, diff_id, *tar_bytes = json.loads(data)
        return cls(Digest.parse(digest), size_bytes, Digest.parse(diff_id), *tar_bytes)


@dataclass(frozen=True, slots=True)
class WheelLayer:
    """The blob of a layer of wheels; its bytes are put together whenever they are asked for."""

    segments: Segments
    wheels: tuple[LayerWheel, ...]

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield the compressed layer, about a megabyte at a time.

        Raises:
            InvalidWheel: a wheel is not what it was.
        """
        skipped_bytes = start_bytes
        for chunk in _joined(self._parts()):
            rest = chunk[skipped_bytes:]
            skipped_bytes -= len(chunk) - len(rest)
            if rest:
                yield rest

    def plain(self) -> Iterator[bytes]:
        """Yield the layer without compression; every file is checked on the way.

        Raises:
            InvalidWheel: a wheel's files are not what its directory says.
        """
        found = tuple(self.segments.of(self.wheels))
        yield self._folders(found)
        for wheel, segment in found:
            with wheel.path.open("rb") as file:
                yield from plain(segment, file)
        yield END

    def _parts(self) -> Iterator[bytes]:
        """Yield the compressed layer in whatever pieces."""
        found = tuple(self.segments.of(self.wheels))
        yield gzip.member(self._folders(found))
        for wheel, segment in found:
            with wheel.path.open("rb") as file:
                for part in compressed(segment):
                    yield from packed(file, part) if isinstance(part, Span) else (part,)
        yield gzip.member(END)

    def _folders(self, found: Iterable[tuple[LayerWheel, Segment]]) -> bytes:
        paths = [path for _, segment in found for path in segment.paths]
        return folder_headers(self.segments.scheme, paths)


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of about a megabyte."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    for part in parts:
        waiting.append(part)
        waiting_bytes += len(part)
        if waiting_bytes >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, waiting_bytes = [], 0
    yield b"".join(waiting)


def measure(chunks: Iterable[bytes]) -> tuple[Digest, int]:
    """Return the digest and the size of bytes that come in pieces."""
    sha256, size_bytes = hashlib.sha256(), 0
    for chunk in chunks:
        sha256.update(chunk)
        size_bytes += len(chunk)
    return Digest(sha256.hexdigest()), size_bytes
