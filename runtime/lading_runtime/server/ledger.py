"""Numbers that all workers keep and any of them can read: shared memory, without locks and without files.

Why not prometheus_client's multiprocess mode: it keeps a file per process, and an image's root file
system is read-only; its counters take a lock and a dictionary look-up or two each; and importing it
takes about as long as importing FastAPI does. Why not ask the workers through the master: a busy
worker would make the answer late, and a dead one would take its counts with it.

The master maps anonymous memory before it forks, a page per worker; whoever takes a page over after
a worker's end counts on where that one stopped, so that no counter ever goes back. A page has one
writer, and is a table of rows of `ROW_BYTES`:

    value  8 bytes, a double
    size   8 bytes, of the key in bytes; 0 is the end of the table
    key    text: the names in `SEPARATOR`

The size is written last, so that readers, in other processes, see whole keys. An aligned double is
read and written at once on every processor that images are built for.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

ROW_BYTES = 256
ROWS = 2048
PAGE_BYTES = ROW_BYTES * ROWS
MAX_WORKERS = 256
"""128 MiB of addresses; memory is used where rows have been written."""

SEPARATOR = "\x1f"
STEP = ROW_BYTES // 8
"""From one row's value to the next one's, in doubles."""

HEAD = struct.Struct("dq")
MAX_KEY_BYTES = ROW_BYTES - HEAD.size
GAUGE = "!"
"""How the name of a value begins that ends with its worker, unlike a count."""


class Entry(NamedTuple):
    """A row as readers see it."""

    page: int
    key: tuple[str, ...]
    value: float


class Page:
    """The rows of one worker."""

    def __init__(self, memory: memoryview, number: int) -> None:
        self.number = number
        self.values = memory.cast("d")
        """The value of the row at *n* is ``values[n]``; add to it and nothing else is needed."""

        self._memory = memory
        self._used = 0
        self._rows: dict[tuple[str, ...], int] = {}
        for key, _ in self.rows():
            self._rows[key] = self._used * STEP
            self._used += 1

    def row(self, *key: str) -> int:
        """Return where the value of *key* is; what does not fit any more goes to the last row, unread."""
        found = self._rows.get(key)
        return self._append(key) if found is None else found

    def rows(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield keys and values."""
        for start in range(0, PAGE_BYTES - ROW_BYTES, ROW_BYTES):
            value, size = HEAD.unpack_from(self._memory, start)
            if not size:
                return
            at = start + HEAD.size
            yield tuple(bytes(self._memory[at : at + size]).decode().split(SEPARATOR)), value

    def forget_gauges(self) -> None:
        """Set what ends with the worker to zero."""
        for key, at in self._rows.items():
            if key[0].startswith(GAUGE):
                self.values[at] = 0.0

    def _append(self, key: tuple[str, ...]) -> int:
        text = SEPARATOR.join(key).encode()
        if self._used == ROWS - 1 or len(text) > MAX_KEY_BYTES:
            return (ROWS - 1) * STEP
        start = self._used * ROW_BYTES
        at = start + HEAD.size
        self._memory[at : at + len(text)] = text
        HEAD.pack_into(self._memory, start, 0.0, len(text))
        self._rows[key] = self._used * STEP
        self._used += 1
        return self._rows[key]


class Ledger:
    """The pages of all workers; made in the master, which also says who writes on which."""

    def __init__(self, pages: int = MAX_WORKERS) -> None:
        self._memory = memoryview(mmap.mmap(-1, pages * PAGE_BYTES))
        self._pages = pages
        self._owners: dict[int, int] = {}
        """Which page a worker has, by any number of its own."""

    def assign(self, worker: int, others: Collection[int]) -> int:
        """Return the number of the page that *worker* will have; called in the master.

        Pages of workers that are not among the *others* are free. Those that come when all pages are taken
        share the last one, and some of their counts get lost.
        """
        for gone in self._owners.keys() - set(others):
            self.page(self._owners.pop(gone)).forget_gauges()
        taken = set(self._owners.values())
        number = next((number for number in range(self._pages) if number not in taken), self._pages - 1)
        self._owners[worker] = number
        return number

    def page(self, number: int) -> Page:
        """Return a page."""
        return Page(self._memory[number * PAGE_BYTES : (number + 1) * PAGE_BYTES], number)

    def entries(self) -> Iterator[Entry]:
        """Yield the rows of all pages that were ever used, which are the first ones."""
        for number in range(self._pages):
            rows = list(self.page(number).rows())
            if not rows:
                return
            yield from (Entry(number, key, value) for key, value in rows)
