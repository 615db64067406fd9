"""A request that came whole, in one piece of data: read and answered without a cycle of uvicorn's.

uvicorn makes a scope, an event, a task and a cycle for each request, checks each header of an answer with
regular expressions, and writes an answer in two pieces: more than all the rest for a small prediction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from lading_runtime.server.heads import Head

CLOSE = (b"connection", b"close")
BYE = b"connection: close\r\n"


class Carrier(Protocol):
    """The connection that a request came on."""

    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState
    tasks: set[asyncio.Task[None]]
    loop: asyncio.AbstractEventLoop

    def end(self) -> None:
        """The answer has been written, and nothing may come behind it."""

    def on_response_complete(self) -> None:
        """The answer has been written."""


class Whole:
    """A request, and its answer. It stands where uvicorn's cycle would, and has what uvicorn asks of that."""

    __slots__ = ("_carrier", "_tasks", "body", "disconnected", "head", "keep_alive", "response_complete")

    def __init__(self, carrier: Carrier, head: Head, body: bytes = b"") -> None:
        self.head = head
        self.body = body
        self.keep_alive = head.keep_alive
        self.disconnected = False
        self.response_complete = False
        self._carrier = carrier
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def message_event(self) -> Whole:
        """What uvicorn sets when the client has left."""
        return self

    def set(self) -> None:
        """End what is done for a client that has left."""
        if self.disconnected:
            for task in self._tasks:
                task.cancel()

    def respond(self, status: int, head: bytes, body: bytes) -> None:
        """Answer, as soon as the client takes it; *head* are lines of headers, known to be well-formed."""
        if self._carrier.flow.write_paused and not self.disconnected:
            self.run(self._respond_later(status, head, body))
        else:
            self._respond(status, head, body)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have *work* done, which answers, or the connection ends; it is cancelled if the client leaves."""
        task = self._carrier.loop.create_task(work)
        self._carrier.tasks.add(task)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def hang_up(self) -> None:
        """End the connection if nobody has answered."""
        if not self.response_complete and not self.disconnected:
            self._carrier.end()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._carrier.tasks.discard(task)
        self._tasks.discard(task)
        if not self._tasks:
            self.hang_up()

    async def _respond_later(self, status: int, head: bytes, body: bytes) -> None:
        await self._carrier.flow.drain()
        self._respond(status, head, body)

    def _respond(self, status: int, head: bytes, body: bytes) -> None:
        if self.disconnected:
            return
        carrier = self._carrier
        lines, closes = DEFAULT_LINES.of(carrier.server_state.default_headers)
        bye = b"" if self.keep_alive or closes else BYE
        carrier.transport.write(b"".join((STATUS_LINE[status], lines, bye, head, b"\r\n", body)))
        self.response_complete = True
        self.body = b""  # the connection keeps this request until the next one comes
        if closes or not self.keep_alive:
            carrier.end()
        carrier.on_response_complete()


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

    def takes(self, head: Head) -> bool:
        """Tell whether a POST with *head* can be answered here."""

    def answer(self, whole: Whole) -> None:
        """Answer a request, now or later."""
