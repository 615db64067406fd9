"""Locks that one process, and one thread of it, has at a time; who ends, even killed, gives up its own."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def acquired(path: Path, on_wait: Callable[[], None], is_cancelled: Callable[[], bool]) -> FileLock:
    """Return the lock on the file *path*, to be released.

    Args:
        path: made where it is missing.
        on_wait: called once when somebody else has it.
        is_cancelled: asked while waiting; when true, ``TimeoutError`` is raised.
    """
    lock = FileLock(path, thread_local=False, is_singleton=False)
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        on_wait()
        lock.acquire(cancel_check=is_cancelled)
    return lock
