"""DEFLATE streams (RFC 1951) being read: by Intel's ISA-L where it is installed, else by zlib.

Reading a stream gives the same bytes whoever does it, so this may depend on the machine, as writing one may
not. ISA-L (the extra ``fast``) is two and a half times as fast as zlib, and reading all files of all wheels
is most of the work when layers are made for the first time.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, cast

try:
    from isal import isal_zlib
except ImportError:
    _open: "Callable[[int], _Stream]" = zlib.decompressobj
    _errors: tuple[type[Exception], ...] = (zlib.error,)
else:
    # Its stubs take the class of its errors for an instance.
    _open, _errors = isal_zlib.decompressobj, (zlib.error, cast("type[Exception]", isal_zlib.error))

_OUTPUT_BYTES = 4 << 20
"""The most that is inflated at once: a kilobyte may hold a megabyte."""


class _Stream(Protocol):
    """What both libraries have."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a DEFLATE stream holds, in pieces of a few megabytes at most.

    Raises:
        ValueError: *chunks* are no such stream, or end before or after it does.
    """
    stream = _open(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            yield from _inflate(stream, chunk)
    except _errors as error:
        raise ValueError(str(error)) from error
    if not stream.eof:
        raise ValueError("no end of the stream")


def _inflate(stream: _Stream, chunk: bytes) -> Iterator[bytes]:
    rest, is_full = chunk, False
    while not stream.eof and (rest or is_full):
        data = stream.decompress(rest, _OUTPUT_BYTES)
        rest, is_full = stream.unconsumed_tail, len(data) == _OUTPUT_BYTES
        yield data
    if stream.unused_data or rest:
        raise ValueError("bytes behind the end of the stream")
