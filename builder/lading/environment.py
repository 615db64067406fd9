"""What MLflow captured of the environment that a model was trained in."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lading.errors import InvalidEnvironment, InvalidOption

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
            InvalidOption: it is none that models can be packaged for.
        """
        if text not in _PLATFORMS:
            choices = ", ".join(_PLATFORMS)
            raise InvalidOption(f"unknown platform {text!r}", hint=f"use one of {choices}")
        return cls(*text.split("/"))

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


_PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """Where packages are looked for; what is not given is left to uv's own configuration."""

    index_url: str | None = None
    """Replaces PyPI. May hold credentials, as the other URLs here: never print it."""

    extra_index_urls: tuple[str, ...] = ()
    """Looked at before ``index_url``, in order."""

    find_links: tuple[str, ...] = ()
    """Folders (absolute paths) and pages of package files."""

    uses_index: bool = True
    """False after ``--no-index``: only ``find_links`` count."""

    trusted_hosts: tuple[str, ...] = ()
    """``host`` or ``host:port``, whose TLS certificates are not checked."""

    allows_prereleases: bool = False
    """True after ``--pre``."""

    no_binary: tuple[str, ...] = ()
    """Packages that are built from source, as ``--no-binary`` names them; ``:all:`` is every one."""

    only_binary: tuple[str, ...] = ()
    """Packages that are never built, as ``--only-binary`` names them; ``:all:`` is every one."""


@dataclass(frozen=True, slots=True)
class LocalWheel:
    """A wheel file that the model folder brings, such as ``code/mylib-1.0-py3-none-any.whl``."""

    path: Path
    """On this machine; absolute, exists, inside the model folder."""

    requirement: str
    """What it is for, by PEP 508: ``name[extras]==version; marker``, extras and marker only where given."""


@dataclass(frozen=True, slots=True)
class CondaSpecs:
    """What only conda's channels can give: packages by match specification, and where they are looked for."""

    channels: tuple[str, ...]
    """Names, URLs and folders, the most important first; none means conda's own choice. URLs may hold
    credentials."""

    specs: tuple[str, ...]
    """As conda writes them: ``python=3.11``, ``conda-forge::libgdal>=3``; Python is always among them."""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A Python distribution that is in an environment before anything of a package index is."""

    name: str
    """Normalised (PEP 503)."""

    version: str
    """Normalised (PEP 440)."""

    requires: tuple[str, ...] = ()
    """Its own requirements, by PEP 508."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a model's process needs: a Python and packages."""

    python: PythonMinor

    requirements: tuple[str, ...]
    """One each, in the order of capture. Nearly all are PEP 508, direct references included
    (``name @ https://…``, ``name @ git+https://…``); a VCS or source URL that does not tell its package's
    name stands as the bare URL. Any may be followed by ``--hash=sha256:…`` options, as pip writes them,
    and URLs may hold credentials."""

    constraints: tuple[str, ...] = ()
    """PEP 508 requirements that bound versions without asking for a package."""

    index: PackageIndex = PackageIndex()
    """From ``--index-url`` and similar lines of requirements.txt."""

    wheels: tuple[LocalWheel, ...] = ()
    """Required as well; they are not repeated in ``requirements``."""

    conda: CondaSpecs | None = None
    """None where pip installs everything. Else ``requirements`` are conda.yaml's pip part, and go on top."""

    installed: tuple[InstalledPackage, ...] = ()
    """Kept where the requirements admit them, as pip keeps what it finds."""
