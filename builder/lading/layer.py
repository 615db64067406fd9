"""The layers of an image, before any engine has made them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from packaging.utils import parse_wheel_filename

from lading.digest import Digest
from lading.folder import File, digest, entries
from lading.lock import Lock, WheelSource


@dataclass(frozen=True, slots=True, order=True)
class PinnedWheel:
    """A wheel file on this machine and what it must hash to."""

    name: str
    """Of the package, normalised."""

    version: str
    path: Path
    digest: Digest

    @property
    def requirement(self) -> str:
        """The line of a requirements file that installs exactly this file."""
        return f"{self.name}=={self.version} --hash={self.digest}"


@dataclass(frozen=True, slots=True)
class EnvironmentLayer:
    """An environment at ``target``, holding exactly what ``lock`` names."""

    target: str
    lock: Lock

    wheels: tuple[Path, ...]
    """Verified wheel files on this machine, in the order of the lock's packages."""

    conda: "FolderLayer | None" = None
    """The conda packages of ``lock``, laid out for ``target``: Python and all that the wheels go on top of.
    None where the environment is a virtual one, on the base's Python."""

    def pinned(self) -> tuple[PinnedWheel, ...]:
        """Return the wheels by name, each with its digest: the lock's, or its own where it was built here."""
        sources = (package.source for package in self.lock.packages)
        locked = {source.name: source.digest for source in sources if isinstance(source, WheelSource)}
        return tuple(sorted(_pin(path, locked.get(path.name)) for path in self.wheels))


def _pin(path: Path, locked: Digest | None) -> PinnedWheel:
    name, version, _, _ = parse_wheel_filename(path.name)
    return PinnedWheel(name, str(version), path, locked or Digest.of_file(path))


@dataclass(frozen=True, slots=True)
class FolderLayer:
    """A folder of this machine, copied to ``target``."""

    source: Path
    target: str
    digest: Digest
    """Of names, modes and contents."""

    size_bytes: int

    @classmethod
    def scan(cls, source: Path, target: str) -> Self:
        """Return the layer that puts the folder *source* at *target*.

        Raises:
            InvalidModel: something in it cannot be read or cannot be in an image; names it.
        """
        found = tuple(entries(source))
        size_bytes = sum(entry.size_bytes for entry in found if isinstance(entry, File))
        return cls(source, target, digest(found), size_bytes)


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """A layer of a finished image."""

    digest: Digest
    size_bytes: int
    created_by: str
    """Which step of the build made it, as the image's history tells."""

    @classmethod
    def parse(cls, digest: str, size_bytes: int, created_by: str) -> Self:
        """Return the layer of a digest written ``sha256:…``."""
        return cls(Digest.parse(digest), size_bytes, created_by)
