"""A request and its answer, as log, metrics and spans know it: no payload, no query, no header."""

from __future__ import annotations

import time
from typing import Any

from lading_runtime.server.correlation import Correlation
from lading_runtime.server.logs import path_word, word, words_of

SCOPE_KEY = "lading.exchange"
"""Where in ASGI's scope it is."""

CLIENT = "lading.client"
"""Where in ASGI's scope a connection puts what knows whether the client has left (``disconnected``)."""

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that left before it was answered."""


WORDS = (
    " method=%s path=%s status=%s received_bytes=%s sent_bytes=%s"
    " ms=%.3f decode_ms=%.3f queue_ms=%.3f model_ms=%.3f encode_ms=%.3f request_id=%s"
)
"""What most lines of the log say of a request."""


class Exchange:
    """A request under way; whoever deals with it adds what it knows. Then it is an event of the log."""

    route = ""
    """As it is counted."""
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
    total_s = 0.0
    time_s = 0.0
    """When it ended, since 1970."""

    def __init__(self, method: str, path: str, correlation: Correlation) -> None:
        """Begin; *path* is as it was on the wire, percent-encoded: no line break gets into the log."""
        self.method = method
        self.path = path
        self.correlation = correlation
        self.began_at = time.perf_counter()

    def end(self, route: str) -> None:
        """Note that it has ended."""
        self.route = route
        self.total_s = time.perf_counter() - self.began_at
        self.time_s = time.time()

    def fields(self) -> dict[str, Any]:
        """Return what a line of the log says."""
        stages = {
            "ms": self.total_s,
            "decode_ms": self.decode_s,
            "queue_ms": self.queue_s,
            "model_ms": self.model_s,
            "encode_ms": self.encode_s,
        }
        found = {
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "received_bytes": self.received_bytes,
            "sent_bytes": self.sent_bytes,
            **{
                name: None if seconds is None else round(seconds * 1e3, 3) for name, seconds in stages.items()
            },
            "chunks": self.chunks,
            "error": self.error,
            **self.correlation.fields(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def words(self) -> str:
        """Return the fields as words; those of most lines at once, which takes a quarter of the time."""
        told = (self.received_bytes, self.decode_s, self.queue_s, self.model_s, self.encode_s)
        is_unusual = self.correlation.trace or self.chunks is not None or self.error is not None
        if None in told or is_unusual:
            return words_of(self.fields())
        return WORDS % (
            self.method,
            path_word(self.path),
            self.status,
            self.received_bytes,
            self.sent_bytes,
            self.total_s * 1e3,
            self.decode_s * 1e3,  # type: ignore[operator]
            self.queue_s * 1e3,  # type: ignore[operator]
            self.model_s * 1e3,  # type: ignore[operator]
            self.encode_s * 1e3,  # type: ignore[operator]
            word(self.correlation.request_id),
        )
