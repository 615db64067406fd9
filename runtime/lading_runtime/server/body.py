"""The body of a request: read within its limits of size, time and slowness, unpacked within its limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from starlette.types import Receive, Scope

from lading_runtime.errors import (
    BodyTooLarge,
    BodyTooSlow,
    DeadlineExceeded,
    MalformedBody,
    UnsupportedMediaType,
)
from lading_runtime.server.interruption import ClientDisconnected, Cutoff

WHOLE_BODY = "lading.whole_body"
"""Where a connection puts, into the scope, a body that came together with the head of its request."""

MIN_BYTES_PER_S = 500
"""What a client must send on average when its first time is over, as Apache's mod_reqtimeout has it."""

GZIP = frozenset({b"gzip", b"x-gzip"})
PLAIN = frozenset({b"", b"identity"})
GZIP_WINDOW = 31
"""zlib's way to say: gzip header, largest window."""

MAX_MEMBERS = 10_000
"""Of a gzip body: who packs in blocks, as bgzip, has one for each 64 KiB; one that is empty has 20 bytes."""

FIRST_PIECE_BYTES, LAST_PIECE_BYTES = 1 << 10, 1 << 16
"""What zlib is given of a member at once: it copies what it did not need, so never much more than it did."""


async def read_body(
    scope: Scope, receive: Receive, *, max_bytes: int, deadline: float, patience_s: float
) -> bytes:
    """Return the body of a request; one that is there already without a timer and a message.

    Raises:
        BodyTooLarge: it has more than *max_bytes*; if it says so itself, nothing of it is read.
        BodyTooSlow: it takes more than *patience_s*, and comes byte by byte.
        ClientDisconnected: it will never be complete.
        DeadlineExceeded: it is not complete at *deadline*.
    """
    whole: bytes | bytearray | None = scope.get(WHOLE_BODY)
    if whole is not None and len(whole) > max_bytes:
        raise _too_large(max_bytes)
    if whole is not None:
        body = bytes(whole)
        del scope[WHOLE_BODY]  # the connection keeps the scope until the next request comes
        return body
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    declared = next((value for name, value in headers if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    return await _gather(receive, max_bytes, Hurry(deadline, asyncio.get_running_loop().time() + patience_s))


class Hurry(NamedTuple):
    """When a body must be there, on the event loop's clock."""

    deadline: float
    """At the latest."""

    slow_at: float
    """If there is nothing of it until then."""

    def cutoff(self, size_bytes: int) -> Cutoff:
        """Return what ends the wait for more, when there are so many bytes."""
        slow_at = self.slow_at + size_bytes / MIN_BYTES_PER_S
        if slow_at < self.deadline:
            return Cutoff(slow_at, BodyTooSlow("the request arrived too slowly"))
        return Cutoff(
            self.deadline, DeadlineExceeded("the request did not arrive within the request timeout")
        )


async def _gather(receive: Receive, max_bytes: int, hurry: Hurry) -> bytes:
    chunks: list[bytes] = []
    size = 0
    is_complete = False
    while not is_complete:
        with hurry.cutoff(size):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        is_complete = not message.get("more_body", False)
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def check_size(body: bytes, *, max_bytes: int) -> None:
    """Return if *body* has no more than *max_bytes*.

    Raises:
        BodyTooLarge: it has.
    """
    if len(body) > max_bytes:
        raise _too_large(max_bytes)


def unpack_body(body: bytes, encoding: bytes, *, max_bytes: int) -> bytes:
    """Return *body* without its ``Content-Encoding``.

    Raises:
        BodyTooLarge: unpacked, it has more than *max_bytes*.
        MalformedBody: it is not encoded as it says.
        UnsupportedMediaType: an encoding other than gzip.
    """
    encoding = encoding.strip().lower()
    if encoding in PLAIN:
        return body
    if encoding not in GZIP:
        raise UnsupportedMediaType("the only Content-Encoding that this server reads is gzip")
    try:
        return b"".join(_members(body, max_bytes))
    except zlib.error as error:
        raise MalformedBody("the body is not gzip, as its Content-Encoding says") from error


def _members(body: bytes, max_bytes: int) -> Iterable[bytes]:
    """Yield what each gzip member of *body* holds (RFC 1952 §2.2: there may be several)."""
    packed = memoryview(body)
    left = max_bytes
    members = 0
    while packed:
        members += 1
        if members > MAX_MEMBERS:
            raise MalformedBody(f"the body has more than {MAX_MEMBERS} gzip members")
        plain, used_bytes = _member(packed, left + 1)
        left -= len(plain)
        if left < 0:
            raise _too_large(max_bytes)
        yield plain
        packed = packed[used_bytes:]


def _member(packed: memoryview, max_bytes: int) -> tuple[bytes, int]:
    """Return what the member at the beginning of *packed* holds, *max_bytes* at most, and how long it is."""
    member = zlib.decompressobj(GZIP_WINDOW)
    plain: list[bytes] = []
    left, at, piece_bytes = max_bytes, 0, FIRST_PIECE_BYTES
    while left and not member.eof:
        if at == len(packed):
            raise zlib.error("truncated")
        piece = packed[at : at + piece_bytes]
        # As long as there is room for more, all of the piece is read: nothing is left in `unconsumed_tail`.
        plain.append(member.decompress(piece, left))
        left -= len(plain[-1])
        at += len(piece)
        piece_bytes = min(piece_bytes * 2, LAST_PIECE_BYTES)
    return b"".join(plain), at - len(member.unused_data)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {max_bytes} bytes, the limit of this server")
