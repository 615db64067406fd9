"""The Python interpreters of this machine."""

import json
import os
from pathlib import Path

from lading.environment import PythonMinor
from lading.uv_process import Uv, UvFailed


def find_interpreter(python: PythonMinor) -> Path | None:
    """Return an interpreter of *python* on this machine, the newest patch level; None if there is none.

    uv looks on the PATH and among the Pythons that it manages. Those of pyenv are looked at besides,
    because MLflow's ``--env-manager virtualenv`` puts its interpreters there. Nothing is downloaded.
    """
    try:
        found = Uv().run("python", "find", "--no-project", "--system", "--no-python-downloads", str(python))
    except UvFailed:
        candidates = sorted(_pyenv().glob(f"{python}.*/bin/python{python}"), key=_patch)
        return candidates[-1] if candidates else None
    return Path(found.strip())


def installed_pythons() -> str:
    """Return the minor versions that this machine has, for a message: ``3.9, 3.11``."""
    try:
        listed = Uv().run(
            "python", "list", "--only-installed", "--no-python-downloads", "--output-format=json"
        )
    except UvFailed:
        listed = "[]"
    minors = {PythonMinor.parse(each["version"]) for each in json.loads(listed)}
    minors |= {PythonMinor.parse(folder.name) for folder in _pyenv().glob("3.*")}
    return ", ".join(map(str, sorted(minors))) or "none"


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


def _patch(interpreter: Path) -> int:
    digits = interpreter.parents[1].name.split(".")[2]
    return int(digits) if digits.isdigit() else -1
