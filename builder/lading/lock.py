"""A locked environment: exactly which files make it up (PEP 751, ``pylock.toml``)."""

from dataclasses import dataclass
from urllib.parse import unquote

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

    @property
    def is_local(self) -> bool:
        """Whether it is a file of the machine that locked, which no index has."""
        return self.source.url.startswith("file:") and self.source.digest is not None


@dataclass(frozen=True, slots=True, order=True)
class CondaPackage:
    """A package of a conda channel: one build of one version."""

    name: str
    version: str
    build: str

    subdir: str
    """Of the channel: ``linux-64``, ``linux-aarch64`` or ``noarch``."""

    url: str
    """Without credentials; ``file:<name>`` for a file of the machine that locked."""

    digest: Digest
    size_bytes: int | None = None

    @property
    def file(self) -> str:
        """The file's name: ``numpy-2.1.0-py311h1_0.conda``."""
        return unquote(self.url.rpartition("/")[2].removeprefix("file:"))


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that is installed for one Python on one platform; same inputs, same text."""

    python: PythonMinor
    platform: Platform

    packages: tuple[LockedPackage, ...]
    """Sorted by name."""

    pylock: str
    """The ``pylock.toml`` that this was read from; its digest names the environment."""

    conda: tuple[CondaPackage, ...] = ()
    """Sorted by name, Python among them; below what ``packages`` has. None where pip installs everything."""

    @property
    def digest(self) -> Digest:
        """The digest of ``pylock``."""
        return Digest.of(self.pylock.encode())
