"""A client's connection: uvicorn's, with what it lacks.

Slow clients hold nothing for long: the head of a request must be there in time, an answer must be taken
piece by piece, and there are only so many connections. (The body of a request has its deadline.)

A request that offers to go on in another protocol (``Upgrade: h2c``, which Java's client sends by itself)
is answered as if it did not (RFC 9110 §7.8); httptools takes its body for the other protocol. And the
head of a request has a largest size; what comes before it is complete would otherwise fill the memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from lading_runtime.server.body import WHOLE_BODY

MAX_HEAD_BYTES = 1 << 16
"""As much as uvicorn's other parser takes; what has come in one piece may be more."""

UPGRADE_HEADERS = frozenset([b"upgrade", b"http2-settings"])


@dataclass(frozen=True)
class ConnectionLimits:
    """What clients may take of a worker."""

    max_connections: int

    timeout_s: float
    """For the head of a request, and for some of an answer to be taken."""


class Connection(HttpToolsProtocol):
    """One client's requests, one after the other. Make a class with limits with `with_limits`."""

    limits: ConnectionLimits
    _is_in_head = False
    _head_bytes = 0
    _is_in_piece = False
    """Whether the request that is being read began in the piece of data that is being read."""
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, if there are not too many; its first request must begin in time."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            transport.abort()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        for timer in (self._head_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
        # uvicorn has none before the first request, whatever its annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        is_idle = cycle is None or cycle.response_complete
        if self._head_timer is None and (self._is_in_head or is_idle):
            self._await_head()

    def pause_writing(self) -> None:
        """Wait for the client, which does not take what it is sent."""
        super().pause_writing()
        self._await_taking(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_piece = True
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head of a request is complete; one that offers an upgrade is read once more, without that."""
        self._is_in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is complete; its body, if nobody can have asked for it yet, goes with it."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
            if self._is_in_piece:
                self.scope[WHOLE_BODY] = self.cycle.body  # type: ignore[literal-required]  # no key of ASGI

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.timeout_s, self._give_up)

    def _give_up(self) -> None:
        """End a connection whose client does not finish what it began to ask."""
        if not self.transport.is_closing():
            self.transport.close()

    def _await_taking(self, size_bytes: int) -> None:
        self._write_timer = self.loop.call_later(self.limits.timeout_s, self._check_taking, size_bytes)

    def _check_taking(self, size_bytes: int) -> None:
        """Drop a client that has taken nothing of an answer since there were *size_bytes* left to be sent."""
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes >= size_bytes:
            self.logger.warning("A client does not take its answer.")
            self.transport.abort()
        else:
            self._await_taking(left_bytes)

    def _feed(self, data: bytes) -> bytes:
        """Have *data* parsed; return what is to be parsed once more."""
        self._is_in_piece = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("The head of the request is too large.")
        return b""

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request whose head has been parsed, and *rest*, without the offer of an upgrade."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError("this is no proxy")
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] not in UPGRADE_HEADERS]
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, b"".join(kept), rest)

    def _refuse(self, message: str) -> None:
        self.logger.warning(message)
        self.send_400_response(message)


def with_limits(limits: ConnectionLimits) -> type[Connection]:
    """Return the class of connections with *limits*."""
    return type("LimitedConnection", (Connection,), {"limits": limits})
