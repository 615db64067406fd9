"""A request that came whole, in one piece of data: read and answered without a cycle of uvicorn's.

uvicorn makes a scope, an event and a cycle for each request, checks each header of an answer with regular
expressions, and writes an answer in two pieces. That is more than all the rest for a small prediction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

Headers = Sequence[tuple[bytes, bytes]]

CLOSE = (b"connection", b"close")


class Carrier(Protocol):
    """The connection that a request came on."""

    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState
    tasks: set[asyncio.Task[None]]

    def on_response_complete(self) -> None:
        """The answer has been written."""


class Unawaited:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Nothing happens."""


class Whole:
    """A request, and its answer. It stands where uvicorn's cycle would, and has what uvicorn asks of that."""

    message_event = Unawaited()

    def __init__(self, carrier: Carrier, url: bytes, headers: Headers, *, keep_alive: bool) -> None:
        self.url = url
        self.headers = headers
        self.body = bytearray()
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self._carrier = carrier

    async def respond(self, status: int, head: bytes, body: bytes) -> None:
        """Answer, at once; *head* are lines of headers, which are known to be well-formed."""
        carrier = self._carrier
        if carrier.flow.write_paused and not self.disconnected:
            await carrier.flow.drain()
        if self.disconnected:
            return
        lines, closes = DEFAULT_LINES.of(carrier.server_state.default_headers)
        ending = b"\r\n" if self.keep_alive or closes else b"connection: close\r\n\r\n"
        carrier.transport.write(b"".join((STATUS_LINE[status], lines, head, ending, body)))
        self.response_complete = True
        if closes or not self.keep_alive:
            carrier.transport.close()
        carrier.on_response_complete()

    def begin(self, loop: asyncio.AbstractEventLoop, direct: WholeRequests) -> None:
        """Have *direct* answer."""
        task = loop.create_task(direct.answer(self))
        self._carrier.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Hang up if nobody has answered."""
        self._carrier.tasks.discard(task)
        if not self.response_complete and not self.disconnected:
            self._carrier.transport.close()


class DefaultLines:
    """The headers of every answer as lines; uvicorn makes a new list of them every second."""

    def __init__(self) -> None:
        self._headers: Any = None
        self._lines: tuple[bytes, bool] = (b"", False)

    def of(self, headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bool]:
        """Return *headers* as lines, and whether the connection ends with this answer."""
        if headers is not self._headers:
            self._headers = headers
            self._lines = b"".join([b"%b: %b\r\n" % header for header in headers]), CLOSE in headers
        return self._lines


DEFAULT_LINES = DefaultLines()


class WholeRequests(Protocol):
    """Answers whole requests."""

    def takes(self, url: bytes) -> bool:
        """Tell whether a POST to *url* can be answered here."""

    async def answer(self, whole: Whole) -> None:
        """Answer a request."""
