"""The cyclic garbage collector, kept from looking through large bodies while they are decoded."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_turn = threading.Lock()


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no cycles in this process until the end, if no other thread is within such a block.

    A body of a hundred megabytes becomes millions of lists, all in use: the collector would look at each
    of them again and again, which takes two thirds of the time. What has no cycles is freed as always.

    Only one block at a time has a say. Were the collector off until the last of them ends, a server that
    always has a large body in hand would never collect; so it is off for as long as one body takes, and
    who comes meanwhile is slower at worst.
    """
    if not gc.isenabled() or not _turn.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _turn.release()
