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
_RANGE = frozenset("<>~!")


@dataclass(frozen=True, slots=True)
class CondaEnv:
    """What the file says."""

    python: str | None = None

    is_ranged: bool = False
    """Whether other Pythons than that one would do, as in ``python>=3.9``."""

    packages: tuple[str, ...] = ()
    """Names of conda packages besides Python and the tools that build packages."""

    specs: tuple[str, ...] = ()
    """Everything that is asked of conda, as it is written, Python and build tools included."""

    channels: tuple[str, ...] = ()
    """Names, URLs and folders, the most important first."""

    pip: tuple[str, ...] = ()
    """Requirement lines."""

    build_dependencies: tuple[str, ...] = ()
    """pip, setuptools and wheel, as PEP 508 requirements where they are pinned, else their names."""


def read_conda_env(path: Path) -> CondaEnv:
    """Return what a ``conda.yaml`` says.

    Raises:
        InvalidEnvironment: it cannot be read, or its Python is no version; names file and key.
    """
    content = read_mapping(path, InvalidEnvironment, keeps_text=True)
    dependencies, channels = (_list(path, key, content.get(key)) for key in ("dependencies", "channels"))
    if not all(isinstance(channel, str) for channel in channels):
        raise InvalidEnvironment(f"{path}: key 'channels' must be a list of names and URLs")
    specs = [_spec(path, item) for item in dependencies if isinstance(item, str)]
    pip = [line for item in dependencies if not isinstance(item, str) for line in _pip(path, item)]
    python = next((version for name, version in specs if name == "python"), None)
    return CondaEnv(
        python=None if python is None else _python(path, python),
        is_ranged=python is not None and not _RANGE.isdisjoint(python),
        packages=tuple(name for name, _ in specs if name not in {"python", *_BUILD_TOOLS}),
        specs=tuple(item.strip() for item in dependencies if isinstance(item, str)),
        channels=tuple(map(str, channels)),
        pip=tuple(pip),
        build_dependencies=tuple(_pinned(*spec) for spec in specs if spec[0] in _BUILD_TOOLS),
    )


def spec_name(text: str) -> str | None:
    """Return the name of the package that a specification asks for; None where it is none."""
    match = _MATCH_SPEC.fullmatch(text.strip())
    return match["name"].lower() if match else None


def _list(path: Path, key: str, value: object) -> list[object]:
    if not isinstance(value or [], list):
        raise InvalidEnvironment(f"{path}: key {key!r} must be a list")
    return list(value) if isinstance(value, list) else []


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
