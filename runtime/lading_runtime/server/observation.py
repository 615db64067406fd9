"""What is known of every request, whatever answers it: its id, numbers, a line in the log, a span."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lading_runtime.server.access import SCOPE_KEY, AccessLog, Asked, Exchange
from lading_runtime.server.correlation import CURRENT, Correlation, RequestIds, correlate
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.tracing import Tracer


class Observer:
    """Knows requests apart, counts them and logs them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = AccessLog()
        self._new_id = RequestIds()

    def correlate(self, headers: Iterable[tuple[bytes, bytes]]) -> Correlation:
        """Return what ties a request with *headers* to others."""
        return correlate(headers, self._new_id)

    def answered(self, asked: Asked, route: str, exchange: Exchange, total_s: float) -> None:
        """Count and log a request that has been answered."""
        self._metrics.request(route, exchange, total_s)
        self._log.add(asked, exchange, total_s)


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
        exchange = scope[SCOPE_KEY] = Exchange()
        started = time.perf_counter()
        correlation = self._observer.correlate(scope["headers"])
        span = None if self._tracer is None else self._tracer.begin(scope, correlation)
        if span is not None:
            correlation = correlation._replace(trace=span.trace)
        CURRENT.set(correlation)
        try:
            await self._app(scope, receive, _watching(send, exchange, correlation))
        finally:
            total_s = time.perf_counter() - started
            route = self._route_of(scope)
            self._observer.answered(_asked(scope, correlation), route, exchange, total_s)
            if span is not None:
                span.end(route, exchange, total_s)


def _asked(scope: Scope, correlation: Correlation) -> Asked:
    raw_path = scope.get("raw_path") or scope["path"].encode("ascii", "replace")
    return Asked(scope["method"], raw_path.decode("ascii", "replace"), correlation)


def _watching(send: Send, exchange: Exchange, correlation: Correlation) -> Send:
    async def watch(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            message["headers"] = [*message["headers"], *correlation.headers()]
        else:
            exchange.sent_bytes += len(message.get("body", b""))
        await send(message)

    return watch
