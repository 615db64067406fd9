"""Pythons that Debian does not have: uv's own builds of CPython, and those of this machine."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.debian.interpreter import ForeignPython
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed
from lading.interpreters import find_interpreter, installed_pythons
from lading.store import Store
from lading.uv_process import Uv, UvFailed

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@contextmanager
def uv_python(python: PythonMinor, platform: Platform, store: Store) -> Iterator[ForeignPython]:
    """Give the CPython that uv installs, which runs on any Linux with glibc; it is gone afterwards.

    uv takes it from Astral, or from where ``UV_PYTHON_INSTALL_MIRROR`` says, and checks its digest.

    Raises:
        BuildFailed: uv cannot get it.
    """
    request = f"cpython-{python}-linux-{_MACHINES[platform.architecture]}-gnu"
    with store.temporary_folder() as folder:
        try:
            Uv().run("python", "install", "--no-bin", "--install-dir", folder, request)
        except UvFailed as error:
            raise BuildFailed(
                f"uv cannot install {request}: {_reason(error.output)}",
                hint="set UV_PYTHON_INSTALL_MIRROR to a mirror that this host reaches (file:// works too)",
            ) from error
        prefixes = [path for path in sorted(folder.glob("cpython-*")) if not path.is_symlink()]
        if not prefixes:
            raise BuildFailed(f"uv has installed {request} nowhere")
        yield ForeignPython(prefixes[-1], python, f"uv's Python {python}")


@contextmanager
def host_python(python: PythonMinor) -> Iterator[ForeignPython]:
    """Give this machine's interpreter, which often is the one that has logged the model.

    Raises:
        BuildFailed: there is none.
    """
    program = find_interpreter(python)
    if program is None:
        raise BuildFailed(f"this machine has no Python {python}, it has {installed_pythons()}")
    command = [str(program), "-I", "-S", "-c", "import sys; print(sys.base_prefix)"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"this machine's Python {python} at {str(program)!r} does not run")
    yield ForeignPython(Path(done.stdout.strip()), python, f"this machine's Python {python}")


def _reason(output: str) -> str:
    """Return what uv says in several lines, each the cause of the one before, as one."""
    lines = [line.strip().removeprefix("error: ").removeprefix("cause: ") for line in output.splitlines()]
    return ": ".join(line.rstrip(":") for line in lines if line).lower()
