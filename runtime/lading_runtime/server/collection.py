"""The cyclic garbage collector, kept from looking through large bodies while they are decoded."""

from __future__ import annotations

import gc
import threading
from types import TracebackType

YOUNG = 1
"""The generation of what has come since the last collection, or the one before it."""


class Uncollected:
    """While threads are within it, cycles are collected only when one of them leaves.

    A body of a hundred megabytes becomes millions of lists, all in use: the collector would look at each
    of them again and again, which takes two thirds of the time. What has no cycles is freed as always.

    A server that always has a large body in hand collects, too: who leaves others behind looks once at
    what is new.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_enabled = False

    @property
    def is_entered(self) -> bool:
        """Whether a thread is within it just now."""
        return self._inside > 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._was_enabled and self._inside:
                gc.collect(YOUNG)
            elif self._was_enabled:
                gc.enable()


UNCOLLECTED = Uncollected()
"""There is one collector in a process."""
