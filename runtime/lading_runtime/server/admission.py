"""Which requests are let in: no more than the queue holds, and none that would be answered too late.

A request that waits for its deadline in vain costs its client that time, and the others their place. So it
is refused at once if those before it, at the pace that the model has had of late, take longer.
"""

from __future__ import annotations

import math

from lading_runtime.errors import Overloaded
from lading_runtime.server.limits import QueueLimits

DECAY = 0.9
"""How much of the past counts after another call: about the last ten matter."""

MIN_CALLS = 8
"""Of the model, before its pace is believed; the first ones are slow."""

HEADROOM = 0.8
"""Of its time that a request may be expected to take: no pace is kept exactly."""

MAX_RETRY_AFTER_S = 60


class Pace:
    """How long the model takes for a call: so much, and so much more for each row (least squares)."""

    def __init__(self) -> None:
        self._calls = 0
        self._call_s = self._row_s = 0.0
        self._weight = self._rows = self._seconds = self._rows_rows = self._rows_seconds = 0.0

    def note(self, rows: int, seconds: float) -> None:
        """Remember a call."""
        self._calls += 1
        self._weight = self._weight * DECAY + 1
        self._rows = self._rows * DECAY + rows
        self._seconds = self._seconds * DECAY + seconds
        self._rows_rows = self._rows_rows * DECAY + rows * rows
        self._rows_seconds = self._rows_seconds * DECAY + rows * seconds
        if self._calls >= MIN_CALLS:
            self._fit()

    def seconds(self, calls: int, rows: int) -> float:
        """Return how long so many calls with so many rows together will take; 0 if nobody knows."""
        return calls * self._call_s + rows * self._row_s

    def _fit(self) -> None:
        mean_rows, mean_s = self._rows / self._weight, self._seconds / self._weight
        variance = self._rows_rows / self._weight - mean_rows**2
        covariance = self._rows_seconds / self._weight - mean_rows * mean_s
        self._row_s = max(0.0, covariance / variance) if variance > mean_rows**2 / 1e6 else 0.0
        self._call_s = max(0.0, mean_s - self._row_s * mean_rows)


class Admission:
    """Counts what is open, and refuses what is too much."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._requests = self._rows = self._bytes = 0
        self.pace = Pace()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open."""
        return not self._requests

    def enter(self, rows: int, size_bytes: int) -> None:
        """Count a request."""
        self._requests += 1
        self._rows += rows
        self._bytes += size_bytes

    def leave(self, rows: int, size_bytes: int) -> None:
        """Count a request no more: it is answered."""
        self._requests -= 1
        self._rows -= rows
        self._bytes -= size_bytes

    def check_space(self, rows: int, size_bytes: int, batch_rows: int | None) -> None:
        """Return if there is room for so much; see `check`.

        Raises:
            Overloaded: too much waits already.
        """
        limits = self._limits
        is_full = self._rows + rows > limits.max_rows or self._bytes + size_bytes > limits.max_bytes
        if is_full and self._requests:
            raise self._overloaded(rows, batch_rows)

    def check(self, rows: int, size_bytes: int, within_s: float, batch_rows: int | None) -> None:
        """Return if a request may come in that must be answered *within_s*.

        Args:
            rows: of the request.
            size_bytes: the same.
            within_s: until its deadline.
            batch_rows: how many rows are predicted together; None if each request is alone.

        Raises:
            Overloaded: too much waits already, or it would be answered too late.
        """
        if not self._requests:
            return  # nobody is before it: whatever it is, it may be tried
        self.check_space(rows, size_bytes, batch_rows)
        if self._wait_s(rows, batch_rows) > within_s * HEADROOM:
            raise self._overloaded(rows, batch_rows)

    def _wait_s(self, rows: int, batch_rows: int | None) -> float:
        """Return when a request of so many rows would be answered."""
        rows += self._rows
        batches = self._requests if batch_rows is None else -(-rows // batch_rows)
        return self.pace.seconds(batches + 1, rows)

    def _overloaded(self, rows: int, batch_rows: int | None) -> Overloaded:
        wait_s = min(self._wait_s(rows, batch_rows), MAX_RETRY_AFTER_S)
        return Overloaded("the server is overloaded", math.ceil(wait_s))
