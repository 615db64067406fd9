"""What is known of every request, whatever answers it: its id, numbers, a line in the log, a span."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import Context
from typing import Callable, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lading_runtime.server.access import log_requests
from lading_runtime.server.correlation import CURRENT, Correlation, RequestIds, correlate
from lading_runtime.server.exchange import CLIENT, CLIENT_CLOSED_REQUEST, SCOPE_KEY, Exchange
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.tracing import Tracer

GATHER_S = 0.005
"""How long those that have been answered may wait for others before they are counted and logged.

Each has its own time, and is soon enough for who reads it; several at once take half of the time.
"""

MOST = 64
"""Requests that are gathered, and those of the same turn of the event loop."""


class Observer:
    """Knows requests apart, counts them and logs them, those of some milliseconds at once."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._new_id = RequestIds()
        self._gathered: list[Exchange] = []
        self._timer: asyncio.TimerHandle | None = None

    def correlate(self, headers: Iterable[tuple[bytes, bytes]]) -> Correlation:
        """Return what ties a request with *headers* to others."""
        return correlate(headers, self._new_id)

    def new_correlation(self) -> Correlation:
        """Return what ties a request to others that brings nothing for it."""
        return Correlation(self._new_id(), None)

    def answered(self, exchange: Exchange, route: str) -> None:
        """Count and log a request that has been answered, soon."""
        exchange.end(route)
        self._gathered.append(exchange)
        # Not here: others of its batch wait to be answered. And what is logged then is of no single request.
        if len(self._gathered) == 1:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush, context=Context())
        elif len(self._gathered) == MOST:
            asyncio.get_running_loop().call_soon(self.flush, context=Context())

    def flush(self) -> None:
        """Count and log what has not been yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, []
        if gathered:
            try:
                self._metrics.requests(gathered)
            finally:
                log_requests(gathered)


class Observation:
    """An ASGI application that observes what another one answers."""

    def __init__(
        self, app: ASGIApp, route_of: Callable[[Scope], str], observer: Observer, tracer: Tracer | None
    ) -> None:
        self._app = app
        self._route_of = route_of
        self._observer = observer
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the application's lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation = self._observer.correlate(scope["headers"])
        span = None if self._tracer is None else self._tracer.begin(scope, correlation)
        if span is not None:
            correlation = correlation._replace(trace=span.trace)
        exchange = scope[SCOPE_KEY] = Exchange(scope["method"], _path(scope), correlation)
        CURRENT.set(correlation)
        try:
            await self._app(scope, receive, _watching(send, exchange, correlation, scope.get(CLIENT)))
        finally:
            self._observer.answered(exchange, self._route_of(scope))
            if span is not None:
                span.end(exchange)


def _path(scope: Scope) -> str:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode("ascii", "replace")
    return raw_path.decode("ascii", "replace")


class Client(Protocol):
    """Who asked."""

    @property
    def disconnected(self) -> bool:
        """Whether they have left."""


def _watching(send: Send, exchange: Exchange, correlation: Correlation, client: Client | None) -> Send:
    async def watch(message: Message) -> None:
        is_told = client is None or not client.disconnected
        if message["type"] == "http.response.start":
            exchange.status = message["status"] if is_told else CLIENT_CLOSED_REQUEST
            message["headers"] = [*message["headers"], *correlation.headers()]
        elif is_told:
            exchange.sent_bytes += len(message.get("body", b""))
        await send(message)

    return watch
