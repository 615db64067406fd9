"""A locked environment: exactly which files make it up (PEP 751, ``pylock.toml``)."""

from dataclasses import dataclass

from lading.digest import Digest
from lading.environment import Platform, PythonMinor


@dataclass(frozen=True, slots=True, order=True)
class WheelSource:
    """A wheel to fetch."""

    name: str
    """The file's name, which says for which Pythons and platforms it is (PEP 427)."""

    url: str
    digest: Digest
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class SourceArchive:
    """A package that exists only as source: an sdist, or a VCS or URL requirement; to be built."""

    requirement: str
    """What uv builds: ``name==version`` or ``name @ url``, without credentials."""

    url: str
    digest: Digest | None
    """None for a VCS checkout, whose commit is part of the URL."""


@dataclass(frozen=True, slots=True, order=True)
class LockedPackage:
    """One package at one version."""

    name: str
    """Normalised (PEP 503)."""

    version: str | None
    """None where only a build can tell (VCS)."""

    source: WheelSource | SourceArchive


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that is installed for one Python on one platform; same inputs, same text."""

    python: PythonMinor
    platform: Platform

    packages: tuple[LockedPackage, ...]
    """Sorted by name."""

    pylock: str
    """The ``pylock.toml`` that this was read from; its digest names the environment."""

    @property
    def digest(self) -> Digest:
        """The digest of ``pylock``."""
        return Digest.of(self.pylock.encode())
