"""Chunks of bytes: counted, and as a file for libraries that read files."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def counted(chunks: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    """Yield *chunks*; tell *advance* the size of each."""
    for chunk in chunks:
        yield chunk
        advance(len(chunk))


class ChunkReader(io.RawIOBase):
    """Reads chunks once, from the first to the last."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill *buffer* as far as one chunk goes; 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
