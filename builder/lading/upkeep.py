"""Looking after the store: what is in it, what nobody has used for long, and what was damaged.

A blob's mark (`lading.verified`), or an entry, gets a new time of modification when it is used; that is what
"unused" is measured by. Whatever is removed here is downloaded or made again when a build needs it, with the
same bytes.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.store import Store, store_errors

IN_USE_S = 3600
"""Nothing younger is removed while other builds may be running, unless everything is."""


DECISIONS = frozenset({"locks", "conda-locks", "debian-lock"})
"""Kinds of entries that say which versions a build takes. Made anew they may say others."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A part of the store."""

    name: str
    count: int
    size_bytes: int


def survey(store: Store) -> tuple[Holding, ...]:
    """Return what the store holds: packages by name, other blobs, entries by kind, environments."""
    with store_errors("read", store.root):
        return tuple(_survey(store))


def prune(store: Store, unused_for_s: float, kept_kinds: frozenset[str] = DECISIONS) -> Holding:
    """Remove what was not used for so long, and what interrupted builds left; return how much that was.

    Entries of *kept_kinds* stay, however old.

    Raises:
        StoreError: the store cannot be written.
    """
    before_s = time.time() - unused_for_s
    count = size_bytes = 0
    with store_errors("write", store.root):
        for path in _removable(store, before_s, kept_kinds):
            size_bytes += _size_bytes(path)
            count += 1
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
                store.verified.mark(path.name).unlink(missing_ok=True)
        _remove_empty_folders(store.root / "named")
    return Holding("removed", count, size_bytes)


def verify(store: Store) -> tuple[Path, ...]:
    """Hash everything anew and remove what was damaged; return what that was.

    Raises:
        StoreError: the store cannot be read or written.
    """
    with store_errors("read", store.root):
        damaged = [
            *(path for path in _files(store.root / "blobs") if Digest.of_file(path).hex != path.name),
            *(path for path in _files(store.root / "entries") if not _is_whole(path.read_bytes())),
        ]
        for path in damaged:
            path.unlink(missing_ok=True)
    return tuple(damaged)


def _is_whole(entry: bytes) -> bool:
    checksum, _, value = entry.partition(b"\n")
    return checksum == str(Digest.of(value)).encode()


def _survey(store: Store) -> Iterator[Holding]:
    named = {path.parent.name for path in _files(store.root / "named")}
    blobs = list(_files(store.root / "blobs"))
    yield _holding("packages", [path for path in blobs if path.name in named])
    yield _holding("layers and other blobs", [path for path in blobs if path.name not in named])
    for kind in _folders(store.root / "entries"):
        yield _holding(f"entries: {kind.name}", list(_files(kind)))
    yield _holding("environments", list(_folders(store.root / "environments")))
    yield _holding("conda packages, laid out", list(_folders(store.root / "prefixes")))
    yield _holding("indexes of conda channels", _children(store.root / "repodata"))
    yield _holding("unfinished", [*_files(store.root / "partial"), *_children(store.root / "temporary")])


def _holding(name: str, paths: list[Path]) -> Holding:
    return Holding(name, len(paths), sum(map(_size_bytes, paths)))


def _removable(store: Store, before_s: float, kept_kinds: frozenset[str]) -> Iterator[Path]:
    kinds = [kind for kind in _folders(store.root / "entries") if kind.name not in kept_kinds]
    places = (
        *(path for path in _files(store.root / "blobs") if not _is_marked_since(store, path, before_s)),
        *(path for kind in kinds for path in _files(kind)),
        *_files(store.root / "partial"),
        *_files(store.root / "named"),
        *_children(store.root / "temporary"),
        *_folders(store.root / "environments"),
        *_folders(store.root / "prefixes"),
        *_children(store.root / "repodata"),
    )
    return (path for path in places if _used_s(path) < before_s)


def _is_marked_since(store: Store, blob: Path, before_s: float) -> bool:
    mark = store.verified.mark(blob.name)
    return mark.exists() and _used_s(mark) >= before_s


def _used_s(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # another build was done with it
        return float("inf")


def _size_bytes(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(file.lstat().st_size for file in path.rglob("*"))
        return path.lstat().st_size if path.parents[2].name != "named" else 0  # a link to a blob
    except FileNotFoundError:
        return 0


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _folders(folder: Path) -> Iterator[Path]:
    return (path for path in _children(folder) if path.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _remove_empty_folders(root: Path) -> None:
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
