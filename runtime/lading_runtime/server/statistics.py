"""Counters of the inference requests that were answered, after Triton's statistics extension.

They are rows of the workers' pages, beside those of the metrics, so that any worker tells of all of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.server.exchange import SCOPE_KEY, Exchange
from lading_runtime.server.ledger import Entry, Page
from lading_runtime.server.metrics import Metrics

if TYPE_CHECKING:
    from lading_runtime.server.open_inference import Handler, Request

OK = 200
FAMILY, COUNT, SECONDS, LAST_MS = "inference", "count", "seconds", "last_ms"
"""Names of rows; no metric is called so."""


DURATIONS = ("success", "fail", "queue", "compute_infer")


class Duration:
    """How often something happened, and how long it took in all: two rows of a page."""

    def __init__(self, page: Page, name: str) -> None:
        self._values = page.values
        self._count, self._seconds = page.row(FAMILY, name, COUNT), page.row(FAMILY, name, SECONDS)

    def add(self, seconds: float | None) -> None:
        """Count one more; None is not counted."""
        if seconds is not None:
            self._values[self._count] += 1.0
            self._values[self._seconds] += seconds


class Statistics:
    """What has been asked of the model, of any worker."""

    def __init__(self, identity: Identity, metrics: Metrics) -> None:
        self._identity = identity
        self._ledger = metrics.ledger
        self._values = metrics.page.values
        self._last = metrics.page.row(FAMILY, LAST_MS)
        self._durations = {name: Duration(metrics.page, name) for name in DURATIONS}

    def watching(self, app: Any) -> Handler:
        """Return a handler that has *app* answer, and counts it."""

        async def handle(request: Request) -> None:
            started = time.perf_counter()
            await app(*request)
            self.count(request.scope[SCOPE_KEY], time.perf_counter() - started)

        return handle

    def count(self, exchange: Exchange, total_s: float) -> None:
        """Count an inference request that has been answered."""
        self._values[self._last] = round(time.time() * 1e3)
        self._durations["success" if exchange.status == OK else "fail"].add(total_s)
        self._durations["queue"].add(exchange.queue_s)
        self._durations["compute_infer"].add(exchange.model_s)

    def read(self) -> dict[str, Any]:
        """Return the counters as JSON."""
        found = [entry for entry in self._ledger.entries() if entry.key[0] == FAMILY]
        stats = {name: _duration(found, name) for name in DURATIONS}
        success = stats["success"]["count"]
        nothing = {"count": 0, "ns": 0}
        model = {
            "name": self._identity.name,
            "version": self._identity.version,
            "last_inference": int(max(entry.value for entry in found if entry.key[1] == LAST_MS)),
            "inference_count": success,
            "execution_count": success,
            "inference_stats": {**stats, "compute_input": nothing, "compute_output": nothing},
            "batch_stats": [],
        }
        return {"model_stats": [model]}


def _duration(found: Iterable[Entry], name: str) -> dict[str, int]:
    """Return the counters of all workers for *name*."""
    total = dict.fromkeys((COUNT, SECONDS), 0.0)
    for entry in found:
        if entry.key[1] == name:
            total[entry.key[2]] += entry.value
    return {"count": int(total[COUNT]), "ns": round(total[SECONDS] * 1e9)}
