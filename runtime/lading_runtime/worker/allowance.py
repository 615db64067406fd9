"""How much a columnar body may become: its formats pack, so that a kilobyte can stand for a terabyte.

What a body says of itself is checked before it is read; what it does not say (a text that a dictionary
repeats, a page that unpacks to more than its header tells) ends at a limit of the process's memory.
"""

from __future__ import annotations

import resource
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from lading_runtime.worker.problems import PayloadError

MAX_CELLS = 1 << 26
"""More than the largest JSON body has room for by default: 100 MiB, two bytes for each cell."""

MAX_GROWTH_BYTES = 2 << 30

STATM = Path("/proc/self/statm")
DATA_PAGES = 5
"""Position in it of what the kernel holds against ``RLIMIT_DATA`` (proc(5))."""


def check_cells(cells: int) -> None:
    """Return if a table may have so many *cells*.

    Raises:
        PayloadError: it may not.
    """
    if cells > MAX_CELLS:
        raise PayloadError(f"the body says a table of {cells} cells; {MAX_CELLS} are the most")


@contextmanager
def bounded_growth() -> Iterator[None]:
    """Let allocations fail that would make the process `MAX_GROWTH_BYTES` larger than it is.

    A model process does one thing at a time, so that they are those of the block. No limit is set where
    the kernel does not say how large the process is.

    Raises:
        PayloadError: one has failed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in (soft, _data_bytes() + MAX_GROWTH_BYTES) if limit != resource.RLIM_INFINITY]
    bound = min(limits) if _data_bytes() else soft
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    except MemoryError as error:
        raise PayloadError(f"the body becomes more than {MAX_GROWTH_BYTES} bytes in memory") from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """Return the size of the process's data; 0 where nobody knows it."""
    try:
        return int(STATM.read_text().split()[DATA_PAGES]) * resource.getpagesize()
    except OSError:
        return 0
