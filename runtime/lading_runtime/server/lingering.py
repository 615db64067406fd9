"""The end of a connection whose client is still sending, behind the answer that was its last.

A request may be answered before all of it is there: refused because it is too large, or because there is no
place for it. If the connection ended then, what still comes would be answered with a reset, and a reset takes
the answer from a client that has not read it yet; nginx in front of this server makes a 502 of that. So what
still comes is thrown away until the client has hung up, as nginx does itself (``lingering_close``; RFC 9112
§9.6 asks for it).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Callable

STOPPING_S = 1.0
"""How long a client that has been answered may hold a server that stops."""


@dataclass(frozen=True)
class LastWords:
    """The transport of a request, as far as uvicorn's cycle knows it; it is not closed, but left."""

    write: Callable[[bytes], None]
    is_closing: Callable[[], bool]

    close: Callable[[], None]
    """The answer is complete, and the connection has to end behind it."""


class Farewell:
    """Ends a connection on which nothing more is written.

    Either its client has taken none of what was written for *timeout_s*, or has had all of it for *then_s*.
    """

    def __init__(self, transport: asyncio.Transport, timeout_s: float, then_s: float) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._then_s = then_s
        self._loop = asyncio.get_running_loop()
        # What has just been written is sent at the end of the loop's turn.
        self._timer: asyncio.Handle = self._loop.call_soon(self._wait)

    def cancel(self) -> None:
        """Leave the connection alone."""
        self._timer.cancel()

    def _wait(self) -> None:
        left_bytes = self._transport.get_write_buffer_size()
        after_s = self._timeout_s if left_bytes else self._then_s
        self._timer = self._loop.call_later(after_s, self._check, left_bytes)

    def _check(self, before_bytes: int) -> None:
        if self._transport.get_write_buffer_size() < before_bytes:
            self._wait()
        else:
            self._transport.abort()


class Lingering(asyncio.Protocol):
    """Reads what a client still sends, and forgets it; then *connection* learns that it has ended."""

    def __init__(self, connection: asyncio.Protocol, transport: asyncio.Transport, timeout_s: float) -> None:
        self._connection = connection
        self._transport = transport
        self._timeout_s = timeout_s
        self._farewell = Farewell(transport, timeout_s, timeout_s)

    def hurry(self) -> None:
        """Wait for what the client still sends no longer than a server that stops can."""
        self._farewell.cancel()
        self._farewell = Farewell(self._transport, self._timeout_s, min(self._timeout_s, STOPPING_S))

    def pause_writing(self) -> None:
        """Do what the connection does for a client that does not take its answer."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Do what the connection does for one that does."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the connection."""
        self._farewell.cancel()
        self._connection.connection_lost(exc)


def linger(connection: asyncio.Protocol, transport: asyncio.Transport, timeout_s: float) -> Lingering:
    """End *connection*, whose answer is written, when its client has hung up, or after *timeout_s*."""
    lingering = Lingering(connection, transport, timeout_s)
    transport.set_protocol(lingering)
    if transport.can_write_eof():  # TLS cannot; there, the client knows by the length where the answer ends
        transport.write_eof()
    transport.resume_reading()
    return lingering
