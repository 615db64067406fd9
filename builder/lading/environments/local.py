"""Virtual environments of this machine, for ``lading serve`` and ``lading predict``.

An environment is made once per lock and maker, and found again afterwards. It is made in its final
place, because a virtual environment has its own path in its scripts; a mark that is written last says
that it is complete, and on which interpreter it stands. Who finds no mark, or another interpreter than
it says, throws the environment away and makes it anew. Only one process at a time makes the same
environment; others wait and then use it.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lading.environment import PythonMinor
from lading.errors import ServeFailed
from lading.interpreters import find_interpreter, installed_pythons
from lading.lock import Lock
from lading.progress import Progress
from lading.store import Store, store_errors

_MARK = "complete"


class EnvironmentMaker(Protocol):
    """Makes environments from locks, or finds those that it made before."""

    def make(self, lock: Lock, wheels: tuple[Path, ...]) -> Path:
        """Return the interpreter of an environment that holds exactly *wheels*.

        Args:
            lock: names the environment, and the Python that it needs.
            wheels: verified files, in the order of the lock's packages.

        Raises:
            ServeFailed: there is no such Python here, or the environment cannot be made.
        """
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where environments are made, and found again."""

    store: Store
    progress: Progress

    def make(self, lock: Lock, maker: str, fill: Callable[[Path], None]) -> Path:
        """Return the interpreter of the environment of *lock*, made by *fill* where it is missing.

        Args:
            lock: what the environment holds.
            maker: whose environment it is: those of different makers differ.
            fill: makes an environment in a folder that does not exist yet.
        """
        key = hashlib.sha256(f"{maker} {lock.digest}".encode()).hexdigest()[:32]
        folder = self.store.root / "environments" / key
        if not _is_complete(folder):
            waits = "waiting for another process that makes the environment"
            with self.store.exclusive(f"environment-{key}", on_wait=lambda: self.progress.line(waits)):
                if not _is_complete(folder):
                    self._make(folder, fill)
        return python_of(folder)

    def _make(self, folder: Path, fill: Callable[[Path], None]) -> None:
        with self.progress.step("make the environment"), store_errors("write", folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            fill(folder)
            (folder / _MARK).write_text(_identity(python_of(folder)), encoding="utf-8")


def interpreter_of(python: PythonMinor) -> Path:
    """Return an interpreter of *python* on this machine.

    Raises:
        ServeFailed: there is none; says which there are.
    """
    found = find_interpreter(python)
    if found is None:
        raise ServeFailed(
            f"there is no Python {python} on this machine (there is {installed_pythons()})",
            hint=f"run `uv python install {python}`, or use --env-manager local",
        )
    return found


def python_of(folder: Path) -> Path:
    """Return the interpreter of the environment in *folder*."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def requirement_lines(wheels: Iterable[Path]) -> str:
    """Return a ``requirements.txt`` that names *wheels* by their paths."""
    return "".join(f"{wheel.absolute().as_uri()}\n" for wheel in wheels)


def _is_complete(folder: Path) -> bool:
    """Say whether the environment is whole, and the interpreter that it links to still the same."""
    try:
        return (folder / _MARK).read_text(encoding="utf-8") == _identity(python_of(folder))
    except OSError:
        return False


def _identity(interpreter: Path) -> str:
    actual = interpreter.resolve(strict=True)
    status = actual.stat()
    return f"{actual} {status.st_size} {status.st_mtime_ns}"
