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


@dataclass(frozen=True)
class LastWords:
    """The transport of a request, as far as uvicorn's cycle knows it; closed, it need not end at once."""

    write: Callable[[bytes], None]

    is_closing: Callable[[], bool]
    """Whether nothing may be written any more."""

    close: Callable[[], None]
    """The answer is complete, and the connection has to end behind it."""


class Lingering(asyncio.Protocol):
    """Reads what a client still sends, and forgets it; all else is *connection*'s."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        self._connection = connection

    def pause_writing(self) -> None:
        """Do what the connection does for a client that does not take its answer."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Do what the connection does for one that does."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the connection."""
        self._connection.connection_lost(exc)


def linger(connection: asyncio.Protocol, transport: asyncio.Transport) -> None:
    """End *connection*, whose answer is written, when its client hangs up; somebody must see to that."""
    transport.set_protocol(Lingering(connection))
    if transport.can_write_eof():  # TLS cannot; there, the client knows by the length where the answer ends
        transport.write_eof()
    transport.resume_reading()
