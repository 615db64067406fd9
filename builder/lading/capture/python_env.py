"""``python_env.yaml``: which Python, and which requirements (MLflow 1.26 and later)."""

from dataclasses import dataclass
from pathlib import Path

from lading.capture.yaml_file import read_mapping
from lading.errors import InvalidEnvironment


@dataclass(frozen=True, slots=True)
class PythonEnv:
    """What the file says."""

    python: str | None

    build_dependencies: tuple[str, ...]
    """Requirement lines that MLflow installs first: pip, setuptools, wheel."""

    dependencies: tuple[str, ...]
    """Requirement lines, mostly ``-r requirements.txt``."""


def read_python_env(path: Path) -> PythonEnv:
    """Return what a ``python_env.yaml`` says.

    Raises:
        InvalidEnvironment: it cannot be read; names file and key.
    """
    content = read_mapping(path, InvalidEnvironment, keeps_text=True)
    python = content.get("python")
    if python is not None and not isinstance(python, str):
        raise InvalidEnvironment(f"{path}: key 'python' must be a version")
    build_dependencies, dependencies = (
        _lines(path, key, content.get(key)) for key in ("build_dependencies", "dependencies")
    )
    return PythonEnv(python or None, build_dependencies, dependencies)


def _lines(path: Path, key: str, lines: object) -> tuple[str, ...]:
    # An empty value is the text "" here, because scalars are left as text.
    if lines in {None, ""} if not isinstance(lines, list) else not lines:
        return ()
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise InvalidEnvironment(f"{path}: key {key!r} must be a list of requirements")
    return tuple(lines)
