"""A context as a folder, for builders that read files.

BuildKit keeps the files that it was sent. The next time it asks only for those whose size, mode or time is
another. The time of the day on which all files are dated therefore says what is in a file: one that is the
same is not sent again, however often the folder is written, and one that has changed is, though its size
has not. Image layers hold nothing of it but the second.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import assert_never

from lading.digest import Digest
from lading.engines.context import TIME, Data, Item
from lading.folder import File, Folder, Link

_CHUNK_BYTES = 1 << 20
_DAY_NS = 86_400_000_000_000


def write(items: Iterable[Item], folder: Path, *, kept: Path | None = None) -> None:
    """Write *items* as files below *folder*, which exists.

    Args:
        items: parents before children.
        folder: where.
        kept: files below this one never change; they are linked to where they are, not copied.
    """
    for item in items:
        path = folder / item.path
        match item:
            case Folder():
                _make(path)
            case Link(goal=goal):
                path.symlink_to(goal)
            case Data(content=content):
                _make(path.parent)
                path.write_bytes(content)
                _finish(path, Digest.of(content))
            case File(source=source) if kept is not None and source.is_relative_to(kept):
                _place(item, path)
            case File(is_executable=is_executable, source=source):
                _finish(path, _copy(source, path), is_executable=is_executable)
            case _:
                assert_never(item)


def _make(folder: Path) -> None:
    """Make *folder* and what is missing above it, readable for anybody, whatever the umask is."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _finish(path: Path, content: Digest, *, is_executable: bool = False) -> None:
    path.chmod(0o755 if is_executable else 0o644)
    time_ns = TIME * 1_000_000_000 + int(content.hex, 16) % _DAY_NS
    os.utime(path, ns=(time_ns, time_ns))


def _copy(source: Path, target: Path) -> Digest:
    """Copy a file; return the digest of what was copied."""
    sha256 = hashlib.sha256()
    with source.open("rb") as file, target.open("wb") as copy:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            copy.write(chunk)
    return Digest(sha256.hexdigest())


def _place(item: File, target: Path) -> None:
    """Link or copy a file whose own time is as good as a digest, because it never changes."""
    if not item.is_executable:
        with suppress(OSError):  # this file system has no hard links, or no more of this file
            target.hardlink_to(item.source)
            return
    shutil.copyfile(item.source, target)
    target.chmod(0o755 if item.is_executable else 0o644)
    status = item.source.stat()
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
