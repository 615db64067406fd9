"""The layers of an image, before any engine has made them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lading.digest import Digest
from lading.lock import Lock


@dataclass(frozen=True, slots=True)
class EnvironmentLayer:
    """A virtual environment at ``target``, holding exactly what ``lock`` names."""

    target: str
    lock: Lock

    wheels: tuple[Path, ...]
    """Verified wheel files on this machine, in the order of the lock's packages."""


@dataclass(frozen=True, slots=True)
class FolderLayer:
    """A folder of this machine, copied to ``target``."""

    source: Path
    target: str
    digest: Digest
    """Of names, modes and contents."""

    size_bytes: int


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
