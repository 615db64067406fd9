"""One line per request: what was asked, what was answered, and where the time went."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("lading_runtime.access")

SCOPE_KEY = "lading.exchange"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that left before it was answered."""


class Exchange:
    """A request and its answer, while they are under way; routes add what they know."""

    def __init__(self) -> None:
        self.status = CLIENT_CLOSED_REQUEST
        self.sent_bytes = 0
        self.received_bytes: int | None = None
        self.queue_s: float | None = None
        self.model_s: float | None = None
        self.chunks: int | None = None
        """How many parts of a streamed answer were there."""
        self.error: str | None = None
        """The name of the error that was answered."""


class AccessLog:
    """An ASGI application that logs what another one answers. No payload, no query, ever."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the application's lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = scope[SCOPE_KEY] = Exchange()
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            else:
                exchange.sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if logger.isEnabledFor(logging.INFO):
                logger.info("request", extra=_fields(scope, exchange, time.perf_counter() - started))


def _fields(scope: Scope, exchange: Exchange, total_s: float) -> dict[str, Any]:
    # The raw path is as it was on the wire, percent-encoded: no line break gets into the log.
    raw_path = scope.get("raw_path") or scope["path"].encode("ascii", "replace")
    fields = {
        "method": scope["method"],
        "path": raw_path.decode("ascii", "replace"),
        "status": exchange.status,
        "received_bytes": exchange.received_bytes,
        "sent_bytes": exchange.sent_bytes,
        "ms": _milliseconds(total_s),
        "queue_ms": _milliseconds(exchange.queue_s),
        "model_ms": _milliseconds(exchange.model_s),
        "chunks": exchange.chunks,
        "error": exchange.error,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)
