"""What MLflow captured of the environment that a model was trained in."""

import re
from dataclasses import dataclass
from typing import Self

from lading.errors import InvalidEnvironment

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?\S*")


@dataclass(frozen=True, slots=True, order=True)
class PythonMinor:
    """A Python minor version; ``str`` gives ``3.11``."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the minor version of ``3.11`` or ``3.11.7``.

        Raises:
            InvalidEnvironment: *text* is no Python version.
        """
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise InvalidEnvironment(f"not a Python version: {text!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and processor, as OCI images name them; ``str`` gives ``linux/amd64``."""

    os: str
    architecture: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the platform that *text* names.

        Raises:
            InvalidEnvironment: it is none that models can be packaged for.
        """
        if text not in _PLATFORMS:
            choices = ", ".join(_PLATFORMS)
            raise InvalidEnvironment(f"unknown platform {text!r}", hint=f"use one of {choices}")
        return cls(*text.split("/"))

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


_PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """Where packages are looked for; what is not given is left to uv's own configuration."""

    index_url: str | None = None
    """Replaces PyPI."""

    extra_index_urls: tuple[str, ...] = ()
    """Looked at before ``index_url``, in order."""

    find_links: tuple[str, ...] = ()
    """Folders and pages of package files."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a model's process needs: a Python and packages."""

    python: PythonMinor

    requirements: tuple[str, ...]
    """PEP 508 requirements, one each, sorted as captured; VCS and URL requirements included.
    A requirement may carry ``--hash=sha256:…`` options, as pip writes them."""

    constraints: tuple[str, ...] = ()
    """PEP 508 requirements that bound versions without asking for a package."""

    index: PackageIndex = PackageIndex()
    """From ``--index-url`` and similar lines of requirements.txt."""
