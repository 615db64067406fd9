"""Environments of conda packages, with pip's on top, as ``--env-manager conda`` of MLflow makes them."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lading.environments.local import Workshop
from lading.environments.uv import install
from lading.errors import ServeFailed
from lading.layer import FolderLayer
from lading.lock import Lock
from lading.progress import Progress
from lading.store import Store


class Prefixes(Protocol):
    """Has conda packages."""

    def lay_out(self, lock: Lock, target: str) -> FolderLayer | None:
        """Return the conda packages of *lock* as they will lie at *target*; None where it has none."""
        ...


@dataclass(frozen=True, slots=True)
class CondaMaker:
    """Makes environments that bring their own Python."""

    store: Store
    progress: Progress
    prefixes: Prefixes

    def make(self, lock: Lock, wheels: tuple[Path, ...]) -> Path:
        """Return the interpreter of an environment that holds conda's packages of *lock*, and *wheels*.

        Raises:
            ServeFailed: it cannot be made.
            LadingError: a conda package cannot be had, or not be laid out.
        """

        def fill(folder: Path) -> None:
            prefix = self.prefixes.lay_out(lock, str(folder))
            if prefix is None:
                raise ServeFailed(
                    "the environment has no conda packages", hint="use --env-manager virtualenv"
                )
            shutil.copytree(prefix.source, folder, symlinks=True)
            install(folder, wheels)

        return Workshop(self.store, self.progress).make(lock, "conda", fill)
