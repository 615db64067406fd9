"""``conda.yaml``: the Python that it names, its pip part, and what only conda could install."""

import re
from dataclasses import dataclass
from pathlib import Path

from lading.capture.yaml_file import read_mapping
from lading.errors import InvalidEnvironment

_BUILD_TOOLS = {"pip", "setuptools", "wheel"}
_MATCH_SPEC = re.compile(r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<version>[^\[]*)(?:\[.*\])?")
"""``channel::name version build`` or ``name=version=build``, as conda's MatchSpec reads them."""

_PYTHON = re.compile(r"(?:={1,2}|>=|<=|~=)?\s*(?P<version>\d+(?:\.\d+)*)(?:\.\*|\*)?(?:[\s=,].*)?")


@dataclass(frozen=True, slots=True)
class CondaEnv:
    """What the file says."""

    python: str | None

    packages: tuple[str, ...]
    """Names of conda packages besides Python and the tools that build packages."""

    pip: tuple[str, ...]
    """Requirement lines."""

    build_dependencies: tuple[str, ...]
    """pip, setuptools and wheel, as PEP 508 requirements where they are pinned, else their names."""


def read_conda_env(path: Path) -> CondaEnv:
    """Return what a ``conda.yaml`` says.

    Raises:
        InvalidEnvironment: it cannot be read, or its Python is no version; names file and key.
    """
    dependencies = read_mapping(path, InvalidEnvironment, keeps_text=True).get("dependencies") or []
    if not isinstance(dependencies, list):
        raise InvalidEnvironment(f"{path}: key 'dependencies' must be a list")
    specs = [_spec(path, item) for item in dependencies if isinstance(item, str)]
    pip = [line for item in dependencies if not isinstance(item, str) for line in _pip(path, item)]
    python = next((version for name, version in specs if name == "python"), None)
    return CondaEnv(
        python=None if python is None else _python(path, python),
        packages=tuple(name for name, _ in specs if name not in {"python", *_BUILD_TOOLS}),
        pip=tuple(pip),
        build_dependencies=tuple(_pinned(*spec) for spec in specs if spec[0] in _BUILD_TOOLS),
    )


def _spec(path: Path, text: str) -> tuple[str, str]:
    match = _MATCH_SPEC.fullmatch(text.strip())
    if match is None:
        raise InvalidEnvironment(f"{path}: key 'dependencies' has {text!r}, which names no package")
    return match["name"].lower(), match["version"].strip()


def _python(path: Path, version: str) -> str:
    match = _PYTHON.fullmatch(version)
    if match is None:
        raise InvalidEnvironment(f"{path}: python must be pinned", hint="write it like python=3.11.7")
    return match["version"]


def _pinned(name: str, version: str) -> str:
    exact = re.fullmatch(r"={1,2}(\d[\w.]*)(?:=\S+)?", version)
    return f"{name}=={exact[1]}" if exact else name


def _pip(path: Path, item: object) -> list[str]:
    lines = item.get("pip") if isinstance(item, dict) else None
    if lines == "":
        return []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise InvalidEnvironment(f"{path}: key 'dependencies' may hold package names and one list 'pip'")
    return lines
