"""Environments made by virtualenv, with pip in them, as MLflow's ``--env-manager virtualenv`` makes them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import virtualenv

from lading.environments.local import Workshop, interpreter_of, python_of, requirement_lines
from lading.errors import ServeFailed
from lading.lock import Lock
from lading.progress import Progress
from lading.store import Store

_REQUIREMENTS = "wheels.txt"


@dataclass(frozen=True, slots=True)
class VirtualenvMaker:
    """Makes environments with virtualenv and the pip that it brings; asks no network."""

    store: Store
    progress: Progress

    def make(self, lock: Lock, wheels: tuple[Path, ...]) -> Path:
        """Return the interpreter of an environment that holds *wheels*, and pip.

        Raises:
            ServeFailed: there is no such Python here, or the environment cannot be made.
        """

        def fill(folder: Path) -> None:
            _create(interpreter_of(lock.python), folder)
            (folder / _REQUIREMENTS).write_text(requirement_lines(wheels), encoding="utf-8")
            _install(folder)

        return Workshop(self.store, self.progress).make(lock, "virtualenv", fill)


def _create(base: Path, folder: Path) -> None:
    arguments = ["--no-download", "--no-periodic-update", "--python", str(base), str(folder)]
    try:
        virtualenv.cli_run(arguments, setup_logging=False)
    except (RuntimeError, ValueError, SystemExit) as error:
        raise ServeFailed(
            f"virtualenv {virtualenv.__version__} cannot make an environment for {base}: {error}",
            hint="use --env-manager uv",
        ) from error


def _install(folder: Path) -> None:
    """Install the wheels; pip looks neither at an index nor at its configuration, which may name one."""
    pip = (python_of(folder), "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input")
    options = ("--quiet", "--no-index", "--no-deps", "--no-warn-script-location")
    command = [str(word) for word in (*pip, "install", *options, "-r", folder / _REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it says nothing"]
        raise ServeFailed(f"pip cannot fill the environment: {lines[-1]}")
