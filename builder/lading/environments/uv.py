"""Environments made by uv: the quick way, without pip in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.environments.local import Workshop, interpreter_of, python_of, requirement_lines
from lading.errors import ServeFailed
from lading.lock import Lock
from lading.progress import Progress
from lading.store import Store
from lading.uv_process import Uv, UvFailed


@dataclass(frozen=True, slots=True)
class UvMaker:
    """Makes environments with ``uv venv`` and ``uv pip install``; asks no network."""

    store: Store
    progress: Progress

    def make(self, lock: Lock, wheels: tuple[Path, ...]) -> Path:
        """Return the interpreter of an environment that holds exactly *wheels*.

        Raises:
            ServeFailed: there is no such Python here, or the environment cannot be made.
        """

        def fill(folder: Path) -> None:
            base = interpreter_of(lock.python)
            with _failures():
                Uv().run("venv", "--no-project", "--no-config", "--offline", f"--python={base}", folder)
            install(folder, wheels)

        return Workshop(self.store, self.progress).make(lock, "uv", fill)


def install(folder: Path, wheels: tuple[Path, ...]) -> None:
    """Install *wheels* into the environment in *folder*.

    Raises:
        ServeFailed: uv cannot.
    """
    quietly = ("--quiet", "--offline", "--no-index", "--no-deps", "--no-config")
    # conda's Python may be marked as one that only conda installs into; this one is nobody else's
    place = ("--break-system-packages", f"--python={python_of(folder)}")
    with _failures():
        Uv().run(
            *("pip", "install", *quietly, *place, "--requirements=wheels.txt"),
            files={"wheels.txt": requirement_lines(wheels)},
        )


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except UvFailed as error:
        raise ServeFailed(f"uv cannot make the environment: {_last_line(error.output)}") from error


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
