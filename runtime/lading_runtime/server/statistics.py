"""Counters of the inference requests that one worker has answered, after Triton's statistics extension.

Each worker counts for itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.server.access import SCOPE_KEY, Exchange

if TYPE_CHECKING:
    from lading_runtime.server.open_inference import Handler, Request

OK = 200


class Duration:
    """How often something happened, and how long it took in all."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def add(self, seconds: float | None) -> None:
        """Count one more; None is not counted."""
        if seconds is not None:
            self.count += 1
            self.seconds += seconds

    def read(self) -> dict[str, int]:
        """Return the counters."""
        return {"count": self.count, "ns": round(self.seconds * 1e9)}


class Statistics:
    """What has been asked of the model."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._last_ms = 0
        self._durations = {name: Duration() for name in ("success", "fail", "queue", "compute_infer")}

    def watching(self, app: Any) -> Handler:
        """Return a handler that has *app* answer, and counts it."""

        async def handle(request: Request) -> None:
            started = time.perf_counter()
            await app(*request)
            self._count(request.scope[SCOPE_KEY], time.perf_counter() - started)

        return handle

    def _count(self, exchange: Exchange, total_s: float) -> None:
        self._last_ms = round(time.time() * 1e3)
        self._durations["success" if exchange.status == OK else "fail"].add(total_s)
        self._durations["queue"].add(exchange.queue_s)
        self._durations["compute_infer"].add(exchange.model_s)

    def read(self) -> dict[str, Any]:
        """Return the counters as JSON."""
        success = self._durations["success"].count
        nothing = Duration().read()
        stats = {name: duration.read() for name, duration in self._durations.items()}
        model = {
            "name": self._identity.name,
            "version": self._identity.version,
            "last_inference": self._last_ms,
            "inference_count": success,
            "execution_count": success,
            "inference_stats": {**stats, "compute_input": nothing, "compute_output": nothing},
            "batch_stats": [],
        }
        return {"model_stats": [model]}
