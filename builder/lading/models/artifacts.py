"""Bringing a tree of files to this machine, whole or not at all.

What a server says of its files is not believed: a path that would leave the target folder is refused, and a
file that ends early is fetched again.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Protocol

from lading.errors import TrackingServerError
from lading.progress import Progress

_THREADS = 8
_TRIES = 3


class TransferInterrupted(Exception):
    """A transfer broke off; another try may succeed."""


class Cancelled(Exception):
    """Another file of the same download has failed, or the user has had enough."""


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file of a tree."""

    path: str
    """Relative to the tree, with slashes."""

    size_bytes: int | None
    """None where the place does not tell."""


class ArtifactTree(Protocol):
    """A folder of files somewhere; read by several threads at once."""

    def files(self) -> tuple[ArtifactFile, ...]:
        """Return all files, in subfolders too; none if there is no such folder.

        Raises:
            TrackingServerError: the place cannot be reached, refuses, or answers nonsense.
        """
        ...

    def copy(self, path: str, target: Path, moved: Callable[[int], None]) -> None:
        """Write the file at *path* to *target*, telling bytes as they come.

        Raises:
            TransferInterrupted: the bytes broke off.
            TrackingServerError: the file cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalTree:
    """A folder of this machine."""

    folder: Path

    def files(self) -> tuple[ArtifactFile, ...]:
        """Return all files."""
        paths = (Path(root) / name for root, _, names in os.walk(self.folder) for name in names)
        return tuple(
            ArtifactFile(path.relative_to(self.folder).as_posix(), path.stat().st_size) for path in paths
        )

    def copy(self, path: str, target: Path, moved: Callable[[int], None]) -> None:
        """Copy one file."""
        shutil.copyfile(self.folder / path, target)
        moved(target.stat().st_size)


Wanted = Mapping[str, tuple[ArtifactTree, ArtifactFile]]
"""Files by path, each with the tree that has it."""


def download(wanted: Wanted, into: Path, progress: Progress) -> Path:
    """Return a new folder below *into* that holds all of *wanted*; after an error there is none.

    Raises:
        TrackingServerError: a file cannot be had, or a path would leave the folder.
    """
    _check_paths(wanted)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".model-", dir=into) as unfinished:
        folder = Path(unfinished) / "model"
        _download_all(wanted, folder, progress)
        target = Path(tempfile.mkdtemp(prefix="model-", dir=into))
        return folder.replace(target)


def _check_paths(paths: Mapping[str, object]) -> None:
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    for path in paths:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\0" in path or path != str(pure) or "\\" in path:
            raise TrackingServerError(
                f"the file {path!r} would leave the model's folder", hint="it is not fetched"
            )
        if path in parents:
            raise TrackingServerError(f"{path!r} is listed as a file and as a folder")


def _download_all(wanted: Wanted, folder: Path, progress: Progress) -> None:
    cancelled = Event()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="download") as pool:
        transfers = [
            pool.submit(_Transfer(tree, file, folder / file.path, cancelled).run, progress)
            for tree, file in wanted.values()
        ]
        try:
            for transfer in as_completed(transfers):
                transfer.result()
        except BaseException:  # Ctrl-C too: threads stop at their next bytes, and leaving waits for them
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass(slots=True)
class _Transfer:
    """One file on its way, on a thread of its own."""

    tree: ArtifactTree
    file: ArtifactFile
    target: Path
    cancelled: Event
    moved_bytes: int = 0

    def run(self, progress: Progress) -> None:
        """Write the file, from its start again when it broke off."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        with progress.transfer(self.file.path, self.file.size_bytes) as tell:
            for tries_left in reversed(range(_TRIES)):
                try:
                    self._copy(tell)
                except TransferInterrupted as error:
                    tell(-self.moved_bytes)
                    if not tries_left:
                        raise TrackingServerError(
                            f"the file {self.file.path!r} broke off: {error}"
                        ) from error
                else:
                    return

    def _copy(self, tell: Callable[[int], None]) -> None:
        self.moved_bytes = 0

        def moved(size_bytes: int) -> None:
            if self.cancelled.is_set():
                raise Cancelled
            self.moved_bytes += size_bytes
            tell(size_bytes)

        self.tree.copy(self.file.path, self.target, moved)
        size_bytes, promised = self.target.stat().st_size, self.file.size_bytes
        if promised is not None and size_bytes != promised:
            raise TransferInterrupted(f"{size_bytes} of {promised} bytes came")
