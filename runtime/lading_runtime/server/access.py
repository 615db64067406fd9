"""One line per request: what was asked, what was answered, and where the time went.

No payload, no query (clients put keys there), no header.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, NamedTuple

from lading_runtime.server.correlation import Correlation
from lading_runtime.server.logs import EVENTS, Event

logger = logging.getLogger("lading_runtime.access")

SCOPE_KEY = "lading.exchange"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that left before it was answered."""


class Exchange:
    """A request and its answer, while they are under way; routes add what they know."""

    status = CLIENT_CLOSED_REQUEST
    sent_bytes = 0
    received_bytes: int | None = None
    is_large = False
    """It was decoded or encoded in a thread, and leaves a hole in the heap."""
    decode_s: float | None = None
    decoded_at: float | None = None
    """When the request was there and had been read, by `time.perf_counter`."""
    queue_s: float | None = None
    model_s: float | None = None
    encode_s: float | None = None
    """Of a streamed answer: of its last part."""
    encoded_at: float | None = None
    chunks: int | None = None
    """How many parts of a streamed answer were there."""
    error: str | None = None
    """The name of the error that was answered."""


class Asked(NamedTuple):
    """What the log says of a request itself."""

    method: str

    path: str
    """As it was on the wire, percent-encoded: no line break gets into the log."""

    correlation: Correlation


class AccessLog:
    """Logs requests that have been answered, those of one turn of the event loop at once.

    A record and a system call for each would cost as much as reading and checking a small request.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []

    def add(self, asked: Asked, exchange: Exchange, total_s: float) -> None:
        """Log a request, as soon as the event loop has done what is due now."""
        if not logger.isEnabledFor(logging.INFO):
            return
        if not self._events:
            asyncio.get_running_loop().call_soon(self._flush)
        self._events.append(Event(time.time(), _fields(asked, exchange, total_s)))

    def _flush(self) -> None:
        """Log what has gathered; the logger itself would look up who called it."""
        record = logging.LogRecord(logger.name, logging.INFO, __file__, 0, "request", None, None)
        record.__dict__[EVENTS], self._events = self._events, []
        logger.handle(record)


def _fields(asked: Asked, exchange: Exchange, total_s: float) -> dict[str, Any]:
    fields: dict[str, Any] = {"method": asked.method, "path": asked.path, "status": exchange.status}
    if exchange.received_bytes is not None:
        fields["received_bytes"] = exchange.received_bytes
    fields["sent_bytes"] = exchange.sent_bytes
    fields["ms"] = round(total_s * 1e3, 3)
    if exchange.decode_s is not None:
        fields["decode_ms"] = round(exchange.decode_s * 1e3, 3)
    if exchange.queue_s is not None and exchange.model_s is not None:
        fields["queue_ms"] = round(exchange.queue_s * 1e3, 3)
        fields["model_ms"] = round(exchange.model_s * 1e3, 3)
    if exchange.encode_s is not None:
        fields["encode_ms"] = round(exchange.encode_s * 1e3, 3)
    if exchange.chunks is not None:
        fields["chunks"] = exchange.chunks
    if exchange.error is not None:
        fields["error"] = exchange.error
    fields.update(asked.correlation.fields())
    return fields
