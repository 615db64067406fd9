"""What the server counts, and the one place where each thing is counted.

A request costs a look-up and an addition in shared memory for each number (`ledger.py`), no lock and
no object: about 4 µs in all, and less where several are counted at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from lading_runtime.server.events import RESTART_REASONS
from lading_runtime.server.exchange import Exchange
from lading_runtime.server.ledger import GAUGE, Ledger, Page

COUNTER, HISTOGRAM, GAUGE_KIND = "counter", "histogram", "gauge"

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0)


@dataclass(frozen=True)
class Family:
    """One metric, as Prometheus knows it."""

    name: str
    """Without the suffixes of its kind."""

    kind: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: the upper ends of its buckets, but for the last, which has none."""


REQUESTS = Family(
    "lading_requests", COUNTER, "Requests that were answered; 499: the client left.", ("route", "status")
)
DURATION = Family(
    "lading_request_duration_seconds",
    HISTOGRAM,
    "From a request's head to the end of its answer.",
    ("route",),
    SECONDS,
)
STAGE = Family(
    "lading_stage_duration_seconds",
    HISTOGRAM,
    "Where the time of a scoring request goes: decode, queue, model (with its whole batch), encode.",
    ("stage",),
    SECONDS,
)
ERRORS = Family(
    "lading_request_errors", COUNTER, "Requests that were answered with an error of this name.", ("error",)
)
REFUSED = Family(
    "lading_requests_refused",
    COUNTER,
    "Requests that the server had no place or no time for, or no model yet.",
)
DEADLINE_MISSES = Family("lading_deadline_misses", COUNTER, "Requests without an answer in time.")
REFUSED_CONNECTIONS = Family(
    "lading_connections_refused", COUNTER, "Connections that were closed because there were too many."
)
MALFORMED = Family("lading_requests_malformed", COUNTER, "What clients sent that is no request of HTTP.")
RECEIVED = Family("lading_received_bytes", COUNTER, "Bodies of scoring requests.")
SENT = Family("lading_sent_bytes", COUNTER, "Bodies of answers.")
BATCHES = Family(
    "lading_batches", COUNTER, "What the model process was given at once, by why it was sent.", ("reason",)
)
BATCH_REQUESTS = Family(
    "lading_batch_requests", HISTOGRAM, "Requests, or pieces of them, in a batch.", (), SIZES
)
BATCH_ROWS = Family("lading_batch_rows", HISTOGRAM, "Rows in a batch.", (), SIZES)
ROWS = Family("lading_rows", COUNTER, "Rows that the model process was given.")
RESTARTS = Family(
    "lading_model_process_restarts", COUNTER, "Model processes that were replaced, by why.", ("reason",)
)
WORKER_STARTS = Family("lading_worker_starts", COUNTER, "Workers that were started.")
PIDS = Family(GAUGE + "pid", GAUGE_KIND, "", ("process",))
"""Not shown: whose memory is asked for when somebody wants to know."""

STAGES = ("decode", "queue", "model", "encode")
COUNTED = (
    *(REQUESTS, DURATION, STAGE, ERRORS, REFUSED, DEADLINE_MISSES, REFUSED_CONNECTIONS, MALFORMED),
    *(RECEIVED, SENT),
    *(BATCHES, BATCH_REQUESTS, BATCH_ROWS, ROWS, RESTARTS, WORKER_STARTS),
)

DEADLINE_EXCEEDED = "DeadlineExceeded"
REFUSALS = frozenset([429, 503])


class Histogram:
    """A histogram of one worker: a row per bucket, and one for the sum."""

    def __init__(self, page: Page, family: Family, *labels: str) -> None:
        self._values = page.values
        self._bounds = family.bounds
        places = [page.row(family.name, *labels, str(number)) for number in range(len(family.bounds) + 1)]
        self._places = places
        self._sum = page.row(family.name, *labels, "sum")

    def observe(self, value: float) -> None:
        """Count a value."""
        self._values[self._places[bisect_left(self._bounds, value)]] += 1.0
        self._values[self._sum] += value

    def observe_all(self, seen: Sequence[float]) -> None:
        """Count values; most of several are alike, so that they are counted bucket by bucket."""
        if len(seen) == 1:
            self.observe(seen[0])
            return
        values, bounds = self._values, self._bounds
        left = sorted(seen)
        values[self._sum] += sum(left)
        while left:
            bucket = bisect_left(bounds, left[-1])
            below = bisect_right(left, bounds[bucket - 1]) if bucket else 0
            values[self._places[bucket]] += len(left) - below
            del left[below:]


class Metrics:
    """What one worker counts."""

    def __init__(self, ledger: Ledger | None = None, page: int = 0) -> None:
        self.ledger = Ledger(1) if ledger is None else ledger
        self.page = self.ledger.page(page)
        self._values = self.page.values
        self._durations: dict[str, Histogram] = {}
        self._requests: dict[tuple[str, int], int] = {}
        self._stages = [Histogram(self.page, STAGE, stage) for stage in STAGES]
        self._received, self._sent = self.page.row(RECEIVED.name), self.page.row(SENT.name)
        self._batch_rows = Histogram(self.page, BATCH_ROWS)
        self._batch_requests = Histogram(self.page, BATCH_REQUESTS)
        self._rows = self.page.row(ROWS.name)
        # What has not happened yet is shown as 0: alerts cannot see an increase from nothing.
        for family in (REFUSED, DEADLINE_MISSES, REFUSED_CONNECTIONS, MALFORMED):
            self.page.row(family.name)
        for reason in RESTART_REASONS:
            self.page.row(RESTARTS.name, reason)

    def requests(self, exchanges: Sequence[Exchange]) -> None:
        """Count requests that have been answered; what they add to one number is added at once."""
        values = self._values
        sent_bytes = received_bytes = 0
        seconds: dict[tuple[str, int], list[float]] = {}
        scored = []
        for exchange in exchanges:
            seconds.setdefault((exchange.route, exchange.status), []).append(exchange.total_s)
            sent_bytes += exchange.sent_bytes
            if exchange.received_bytes is not None:
                received_bytes += exchange.received_bytes
                scored.append((exchange.decode_s, exchange.queue_s, exchange.model_s, exchange.encode_s))
            if exchange.error is not None:
                self._failure(exchange.error, exchange.status)
        for (route, status), of_these in seconds.items():
            values[self._row_of(route, status)] += len(of_these)
            self._durations[route].observe_all(of_these)
        values[self._sent] += sent_bytes
        values[self._received] += received_bytes
        for histogram, of_stage in zip(self._stages, zip(*scored)):
            histogram.observe_all([value for value in of_stage if value is not None])

    def batch(self, requests: int, rows: int, reason: str) -> None:
        """Count what the model process is given at once; *reason* is why now, one of a few words."""
        self._batch_requests.observe(requests)
        self._batch_rows.observe(rows)
        self._values[self._rows] += rows
        self._values[self.page.row(BATCHES.name, reason)] += 1.0

    def connection_refused(self) -> None:
        """Count a connection beyond the largest number."""
        self._values[self.page.row(REFUSED_CONNECTIONS.name)] += 1.0

    def request_malformed(self) -> None:
        """Count what is no request of HTTP."""
        self._values[self.page.row(MALFORMED.name)] += 1.0

    def worker_started(self, pid: int) -> None:
        """Count a worker, and know whose memory it uses."""
        self._values[self.page.row(WORKER_STARTS.name)] += 1.0
        self._values[self.page.row(PIDS.name, "worker")] = pid

    def model_process_ready(self, pid: int) -> None:
        """Know whose memory the model process uses."""
        self._values[self.page.row(PIDS.name, "model")] = pid

    def model_process_replaced(self, reason: str) -> None:
        """Count a model process that was lost or killed; *reason* is one of a few."""
        self._values[self.page.row(RESTARTS.name, reason)] += 1.0
        self._values[self.page.row(PIDS.name, "model")] = 0.0

    def _row_of(self, route: str, status: int) -> int:
        at = self._requests.get((route, status))
        if at is None:
            at = self._requests[route, status] = self.page.row(REQUESTS.name, route, str(status))
            self._durations.setdefault(route, Histogram(self.page, DURATION, route))
        return at

    def _failure(self, error: str, status: int) -> None:
        """Count an error; probes that are answered 503 are none."""
        self._values[self.page.row(ERRORS.name, error)] += 1.0
        if status in REFUSALS:
            self._values[self.page.row(REFUSED.name)] += 1.0
        if error == DEADLINE_EXCEEDED:
            self._values[self.page.row(DEADLINE_MISSES.name)] += 1.0
