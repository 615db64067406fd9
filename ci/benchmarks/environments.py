"""Environments that a benchmark needs beside its own: each made once, from a file that pins what is in it."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from measure import REPOSITORY, run

UV = REPOSITORY / ".cache" / "uv" / "bin" / "uv"
PYTHON = "3.11"


class NotInstallable(Exception):
    """An environment cannot be made here; the message says why."""


def environment(name: str, requirements: Path) -> Path:
    """Return the interpreter of the environment with *requirements*.

    Raises:
        NotInstallable: uv cannot install them.
    """
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = REPOSITORY / ".cache" / f"bench-{name}-{key}"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        create(folder)
        words = (UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
        done = subprocess.run((*words, "-r", requirements), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(folder)
            raise NotInstallable(done.stderr.strip()[-2000:])
        (folder / "made").touch()
    return python


def server_python() -> Path:
    """Return the interpreter of the environment that images have for the server, as the sources are now."""
    folder = REPOSITORY / ".cache" / "bench" / "server"
    python = folder / "bin" / "python"
    create(folder)
    install = (UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
    run(*install, "-r", REPOSITORY / "runtime" / "pylock.toml")
    run(*install, "--no-deps", "--no-cache", REPOSITORY / "runtime")
    return python


def create(folder: Path) -> None:
    """Make an empty virtual environment in *folder*."""
    run(UV, "venv", "--quiet", "--clear", "--python", PYTHON, folder)
