"""Ends what has waited until its deadline, with one timer for all that wait.

A timer for each request costs three times as much to set and to stop as a place in a heap does.
"""

from __future__ import annotations

import asyncio
import itertools
from contextvars import Context
from heapq import heappop, heappush
from typing import Protocol


class Expiring(Protocol):
    """What has a deadline."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for it."""

    def expire(self) -> None:
        """Its deadline has passed."""


class Deadlines:
    """What expires, and when, on the event loop's clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Expiring]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._heap)

    def add(self, expiring: Expiring, deadline: float) -> None:
        """Have *expiring* expire at *deadline*, if it is wanted by then."""
        heap = self._heap
        # Whether it is wanted, which takes longer to find out, only matters to what is due.
        while heap and not heap[0][2].is_open:
            heappop(heap)
        heappush(heap, (deadline, next(self._numbers), expiring))
        if self._timer is None or deadline < self._rings_at:
            self._set(deadline)

    def _set(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = moment
        # What is logged then is of no single request.
        self._timer = asyncio.get_running_loop().call_at(moment, self._ring, context=Context())

    def _ring(self) -> None:
        """Expire what is due; ring again for what comes next. For what was answered, nothing happens."""
        self._timer = None
        heap, now = self._heap, asyncio.get_running_loop().time()
        try:
            while heap and (heap[0][0] <= now or not heap[0][2].is_open):
                expiring = heappop(heap)[2]
                if expiring.is_wanted:
                    expiring.expire()
        finally:
            if heap and self._timer is None:
                self._set(heap[0][0])
