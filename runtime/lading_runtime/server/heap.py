"""Memory of large bodies, given back to the system.

A body of a hundred megabytes becomes millions of small objects, which glibc takes from its heap. When all
are freed, the heap shrinks only down to the highest object that is still in use, whatever lies below it: a
worker kept two hundred megabytes for as long as one cached string was in the way. ``malloc_trim`` gives
back what is free in between, too (malloc_trim(3), NOTES, since glibc 2.8). Before that goes what only cycles
hold: a server with small requests may not look for them in minutes.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Callable
from concurrent.futures import Executor

from lading_runtime.server.collection import UNCOLLECTED

PAUSE_S = 1.0
"""From a large request's end to the trimming, which stops the process for milliseconds: others may end."""


def _trim_of_libc() -> Callable[[int], int]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # musl has none, and gives back by itself
        return lambda _keep_bytes: 0


class Heap:
    """The process's heap, trimmed some time after large requests have ended."""

    def __init__(self, executor: Executor, pause_s: float = PAUSE_S) -> None:
        self._executor = executor
        self._pause_s = pause_s
        self._trim = _trim_of_libc()
        self._is_awaited = False

    def trim_soon(self) -> None:
        """Trim the heap after a pause; once, however many ask for it meanwhile."""
        if not self._is_awaited:
            self._is_awaited = True
            asyncio.get_running_loop().call_later(self._pause_s, self._start)

    def _start(self) -> None:
        self._is_awaited = False
        self._executor.submit(self._give_back)

    def _give_back(self) -> None:
        # A large body that is being decoded just now would be looked through; it asks again when it ends.
        if not UNCOLLECTED.is_entered:
            gc.collect()
        self._trim(0)
