"""Files that were hashed before and have not changed since, so that they need not be read again.

    <folder>/<aa>/<hex>      what the kernel said of the file with this SHA-256 when it was hashed

It is what git's index knows unchanged files by: size, inode, and the times of the last change of contents and
inode (``Documentation/technical/racy-git.adoc``). The last is the kernel's own: whoever writes to a file, or
puts another in its place with the old times, changes it. So a mark stands for the bytes that were hashed,
unless something changes them behind the kernel's back, as a failing disk does; against that there is
``lading cache verify``, which believes no mark.

What was changed in the tick of the file system's clock in which it was hashed cannot be told from what was
there before. Such a file gets no mark, and is hashed again the next time.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest


@dataclass(frozen=True, slots=True)
class Verified:
    """Marks of files, by their digests."""

    folder: Path

    def is_whole(self, path: Path, digest: Digest) -> bool:
        """Say whether the bytes of *path* have this digest; they are read only if they may have changed.

        Raises:
            OSError: it cannot be read.
        """
        mark, status = self.mark(digest.hex), path.stat()
        if _read(mark) == _look(status):
            touch(mark)
            return True
        began_ns = self._now_ns()
        if Digest.of_file(path) != digest:
            mark.unlink(missing_ok=True)
            return False
        is_settled = status.st_ctime_ns < began_ns and _look(path.stat()) == _look(status)
        if not (is_settled and self._keep(mark, _look(status))):
            touch(path)
        return True

    def mark(self, hexadecimal: str) -> Path:
        """Return where the mark of a digest is, or would be; its time says when the file was last used."""
        return self.folder / hexadecimal[:2] / hexadecimal

    def _now_ns(self) -> int:
        """Return the time of the file system, which may tick only once a second; 0 where nobody may write."""
        with suppress(OSError), self._new() as (_, path):
            return path.stat().st_mtime_ns
        return 0

    def _keep(self, mark: Path, look: str) -> bool:
        with suppress(OSError), self._new() as (descriptor, path):  # somebody else's store, or a full disk
            os.write(descriptor, look.encode())
            mark.parent.mkdir(exist_ok=True)
            path.replace(mark)
            return True
        return False

    @contextmanager
    def _new(self) -> Iterator[tuple[int, Path]]:
        """Give a new file beside the marks; it is gone afterwards, unless it was moved."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder)
        try:
            yield descriptor, Path(name)
        finally:
            os.close(descriptor)
            Path(name).unlink(missing_ok=True)


def _look(status: os.stat_result) -> str:
    """Return what is different once a file has changed."""
    return f"{status.st_size} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"


def _read(mark: Path) -> str | None:
    try:
        return mark.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None


def touch(path: Path) -> None:
    """Note that *path* is used: what was not for long is removed by ``lading cache prune``."""
    with suppress(OSError):  # somebody else's store, or one on a read-only disk
        os.utime(path)
