"""One line per request: what was asked, what was answered, and where the time went.

No payload, no query (clients put keys there), no header.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.types import Scope

from lading_runtime.server.logs import FIELDS

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
        self.is_large = False
        """It was decoded or encoded in a thread, and leaves a hole in the heap."""
        self.decode_s: float | None = None
        self.decoded_at: float | None = None
        """When the request was there and had been read, by `time.perf_counter`."""
        self.queue_s: float | None = None
        self.model_s: float | None = None
        self.encode_s: float | None = None
        """Of a streamed answer: of its last part."""
        self.encoded_at: float | None = None
        self.chunks: int | None = None
        """How many parts of a streamed answer were there."""
        self.error: str | None = None
        """The name of the error that was answered."""


def log(scope: Scope, exchange: Exchange, total_s: float) -> None:
    """Log a request that has been answered.

    The record is made here and not by the logger, which would look up who called it, for every request.
    """
    if logger.isEnabledFor(logging.INFO):
        record = logging.LogRecord(logger.name, logging.INFO, __file__, 0, "request", None, None)
        record.__dict__[FIELDS] = _fields(scope, exchange, total_s)
        logger.handle(record)


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
        "decode_ms": _milliseconds(exchange.decode_s),
        "queue_ms": _milliseconds(exchange.queue_s),
        "model_ms": _milliseconds(exchange.model_s),
        "encode_ms": _milliseconds(exchange.encode_s),
        "chunks": exchange.chunks,
        "error": exchange.error,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)
