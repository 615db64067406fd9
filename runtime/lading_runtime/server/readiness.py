"""Whether every worker of the server can answer: known to all of them at once.

Any worker may get any connection, so a server is ready only when the last of its workers is. They tell
each other through a page of memory that all share: a byte for each worker, and one, at the front, that
says that the server has begun to serve. Bytes are written whole, so there are no locks. A worker that
comes later, in place of another, begins to listen when it can answer; until then others do.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection

SLOTS = 4095
"""Workers are numbered in the order in which they are started; so many may be told apart at a time."""


class Readiness:
    """What workers know of each other. Made by the master before it starts the first."""

    def __init__(self, first: int) -> None:
        self._first = range(1, first + 1)
        """The numbers of the workers that a start waits for."""
        self._page = mmap.mmap(-1, SLOTS + 1)
        self._number = 1

    def join(self, number: int) -> None:
        """Be the worker of that number; called in it."""
        self._number = number
        self._page[slot(number)] = 0

    def arrive(self) -> None:
        """Say that this worker can answer."""
        self._note(self._number)

    def leave(self, number: int) -> None:
        """Say that worker *number* has ended, so that nobody waits for it."""
        self._note(number)

    def have_arrived(self, numbers: Collection[int]) -> bool:
        """Tell whether all workers of these numbers can answer."""
        return all(self._page[slot(number)] for number in numbers)

    @property
    def is_serving(self) -> bool:
        """Whether the server has been ready: all the workers that it started with could answer."""
        return bool(self._page[0])

    def _note(self, number: int) -> None:
        self._page[slot(number)] = 1
        if not self.is_serving and self.have_arrived(self._first):
            self._page[0] = 1


def slot(number: int) -> int:
    """Return where the byte of a worker stands."""
    return 1 + number % SLOTS
