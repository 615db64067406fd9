"""Which interpreter compiles for an image.

Bytecode is the same for all patch releases of a minor version (the magic number in its header says so), and
hardly ever do two of them compile a module differently. The processor has no part in it.
"""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lading.engines.oci.bytecode.compiler import HostInterpreter
from lading.environment import PythonMinor
from lading.interpreters import find_interpreter
from lading.store import Store

_KIND = "interpreters"
_IDENTITY = (
    "import json, platform; print(json.dumps([platform.python_implementation(), platform.python_version()]))"
)
_CPYTHON = "CPython"


@dataclass(frozen=True, slots=True)
class FoundInterpreters:
    """Looks on this machine; what was found is kept, because asking around takes a tenth of a second."""

    store: Store

    def find(self, python: PythonMinor) -> HostInterpreter | None:
        """Return a CPython of this minor version; None if this machine has none."""
        if sys.version_info[:2] == (python.major, python.minor) and _is_cpython():
            return HostInterpreter(Path(sys.executable), platform.python_version())
        key = f"{python} {os.environ.get('PATH')} {os.environ.get('PYENV_ROOT')} {Path.home()}"
        return self._kept(key) or self._found(key, python)

    def _kept(self, key: str) -> HostInterpreter | None:
        kept = self.store.read_entry(_KIND, key)
        if kept is None:
            return None
        path, version, mark = json.loads(kept)
        return HostInterpreter(Path(path), version) if _mark(Path(path)) == mark else None

    def _found(self, key: str, python: PythonMinor) -> HostInterpreter | None:
        path = find_interpreter(python)
        version = _version(path) if path is not None else None
        if path is None or version is None:
            return None
        self.store.write_entry(_KIND, key, json.dumps([str(path), version, _mark(path)]).encode())
        return HostInterpreter(path, version)


def _is_cpython() -> bool:
    return platform.python_implementation() == _CPYTHON


def _version(path: Path) -> str | None:
    """Return which CPython *path* is; None if it is another Python, or none."""
    command = [str(path), "-I", "-S", "-c", _IDENTITY]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        implementation, version = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return version if implementation == _CPYTHON else None


def _mark(path: Path) -> list[int] | None:
    """Return what changes when another program is put in the place of *path*."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ino]
