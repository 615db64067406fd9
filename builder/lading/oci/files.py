"""Files outside of the store that appear only when they are whole."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lading.errors import OutputFailed

PREFIX = ".lading-"
"""Of files that are being written."""

_HINTS = {
    errno.ENOSPC: "free some space, or write elsewhere",
    errno.EDQUOT: "free some space, or write elsewhere",
    errno.EFBIG: "write to a file system that takes files of this size",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "name a path through folders",
    errno.EISDIR: "name a file",
    errno.EROFS: "write elsewhere",
    errno.EACCES: "write to a folder of yours",
    errno.EPERM: "write to a folder of yours",
}


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn failures of the file system into errors that say what to do.

    Raises:
        OutputFailed: *path* cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0)
        raise OutputFailed(f"cannot write {str(path)!r}: {reason}", hint=hint) from error


@contextmanager
def replacing(target: Path, beside: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Give a file that becomes *target* at the end; nothing of it is left when something fails.

    Args:
        target: what is written, or replaced.
        beside: a folder of the same file system, for the unfinished file.
        mode: of the file, less what the umask takes away.
    """
    path = unfinished(beside)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            flush(file)
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)


def unfinished(folder: Path) -> Path:
    """Return a new name for a file that is being written."""
    return folder / f"{PREFIX}{secrets.token_hex(8)}"


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def link(source: Path, target: Path) -> bool:
    """Give *target*, which is missing, the bytes of *source* without writing them; whether it could be done.

    Only a file that nobody may write is linked, such as a blob of the store: a program that changes
    the one in place would change the other as well.
    """
    with suppress(OSError):  # another file system, one without hard links, or a file of somebody else
        if not source.stat().st_mode & 0o222:
            target.hardlink_to(source)
            return True
    return False
