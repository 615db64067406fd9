"""What is in a folder that goes into an image, as every engine writes it.

Modes are made uniform, and links that stay inside are made relative, so that copies of a folder on two
machines give equal entries and equal digests. Times and owners are no part of it.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, assert_never

from lading.digest import Digest
from lading.errors import InvalidModel


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, there even when it is empty."""

    path: str
    """Below the folder that was asked for, with slashes."""


@dataclass(frozen=True, slots=True)
class File:
    """A file with contents."""

    path: str
    """Below the folder that was asked for, with slashes."""

    is_executable: bool
    source: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    path: str
    """Below the folder that was asked for, with slashes."""

    goal: str
    """Relative to the folder that the link is in."""


Entry = Folder | File | Link


def entries(folder: Path) -> Iterator[Entry]:
    """Give what is in *folder*, parents before children, in the order of their names.

    Raises:
        InvalidModel: a link leaves the folder or leads nowhere, or something is no file, folder or link.
    """
    root = folder.resolve()
    yield from _entries(root, root)


@contextmanager
def opened(file: File) -> Iterator[BinaryIO]:
    """Give the contents of *file*, to be read and not mapped: it may get shorter meanwhile.

    Raises:
        InvalidModel: it cannot be read.
    """
    try:
        with file.source.open("rb") as contents:
            yield contents
    except OSError as error:
        raise _unreadable(file.path, error) from error


def digest(found: Iterable[Entry], hashed: Mapping[str, Digest] | None = None) -> Digest:
    """Return the digest of names, modes and contents.

    Args:
        found: what is in the folder.
        hashed: the digests of files' contents, by path, where they are known; those are not read again.

    Raises:
        InvalidModel: a file cannot be read.
    """
    sha256 = hashlib.sha256()
    for entry in found:
        kind, content = _fact(entry, hashed or {})
        line = f"{kind}\0{entry.path}\0{content}\n"
        sha256.update(line.encode(errors="surrogateescape"))
    return Digest(sha256.hexdigest())


def _fact(entry: Entry, hashed: Mapping[str, Digest]) -> tuple[str, str]:
    match entry:
        case Folder():
            return "folder", ""
        case Link(goal=goal):
            return "link", goal
        case File(is_executable=is_executable, source=source):
            try:
                content = hashed.get(entry.path) or Digest.of_file(source)
            except OSError as error:
                raise _unreadable(entry.path, error) from error
            return "program" if is_executable else "file", str(content)
        case _:
            assert_never(entry)


def _entries(root: Path, folder: Path) -> Iterator[Entry]:
    for path in _sorted(root, folder):
        entry = _entry(root, path)
        yield entry
        if isinstance(entry, Folder):
            yield from _entries(root, path)


def _sorted(root: Path, folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        name = folder.relative_to(root).as_posix()
        raise _unreadable(name, error) from error


def _entry(root: Path, path: Path) -> Entry:
    name = path.relative_to(root).as_posix()
    try:
        status = path.lstat()
    except OSError as error:  # it was there a moment ago
        raise _unreadable(name, error) from error
    if path.name.startswith(".wh."):
        # https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
        raise _unusable(name, "has a name that means a deletion in an image")
    if stat.S_ISLNK(status.st_mode):
        return Link(name, _goal(root, path))
    if stat.S_ISDIR(status.st_mode):
        return Folder(name)
    if stat.S_ISREG(status.st_mode):
        return File(name, bool(status.st_mode & 0o111), path, status.st_size)
    raise _unusable(name, "is no file, folder or link")


def _goal(root: Path, link: Path) -> str:
    name = link.relative_to(root).as_posix()
    try:
        goal = link.resolve()
    except RuntimeError as error:  # what pathlib makes of ELOOP before Python 3.13
        raise _unusable(name, "links to itself") from error
    if not goal.is_relative_to(root):
        raise _unusable(name, "links to something outside of the folder")
    if not goal.exists():
        raise _unusable(name, "links to nothing")
    return os.path.relpath(goal, link.parent)


def _unreadable(name: str, error: OSError) -> InvalidModel:
    return _unusable(name, f"cannot be read ({error.strerror})")


def _unusable(name: str, reason: str) -> InvalidModel:
    return InvalidModel(f"{name!r} in the model folder {reason}", hint="replace or remove it")
