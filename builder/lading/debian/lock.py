"""Which packages a base was made of: enough to make the same bytes again, on any machine."""

import json
from dataclasses import dataclass
from typing import Any, Self

from lading.debian.index import Package
from lading.debian.version import DebianVersion
from lading.digest import Digest
from lading.errors import ArchiveError

FORMAT = 1
"""Counts up whenever locks are written in another way."""

CHOICE = 1
"""Counts up whenever a base is made of other packages (`lading.debian.locking`): what was locked before does
not count then."""


@dataclass(frozen=True, slots=True)
class BaseLock:
    """The packages of a base, each with the digest that Debian signed."""

    suite: str
    architecture: str
    """As Debian names it: ``amd64``, ``arm64``."""

    dates: tuple[tuple[str, str], ...]
    """When the releases were made that it was taken from: suite and date, as ``InRelease`` writes them."""

    system: tuple[Package, ...]
    """What every program needs, sorted by name."""

    python: tuple[Package, ...]
    """What the interpreter needs besides, sorted by name; empty for a base without Python."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the lock in *data*.

        Raises:
            ArchiveError: it cannot be read.
        """
        try:
            members = _known(json.loads(data))
            return cls(
                suite=str(members["suite"]),
                architecture=str(members["architecture"]),
                dates=tuple((str(suite), str(date)) for suite, date in members["dates"]),
                system=tuple(map(_package, members["system"])),
                python=tuple(map(_package, members["python"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArchiveError(f"the lock of a Debian base cannot be read: {error}") from error

    def encode(self) -> bytes:
        """Return it as JSON, always the same."""
        members = {
            "format": FORMAT,
            "suite": self.suite,
            "architecture": self.architecture,
            "dates": self.dates,
            "system": list(map(_members, self.system)),
            "python": list(map(_members, self.python)),
        }
        return json.dumps(members, indent=1, sort_keys=True).encode() + b"\n"

    @property
    def packages(self) -> tuple[Package, ...]:
        """All of them."""
        return self.system + self.python

    def without_python(self) -> Self:
        """Return the lock of the base below another interpreter."""
        return type(self)(self.suite, self.architecture, self.dates, self.system, ())


def _known(members: Any) -> Any:
    if members["format"] != FORMAT:
        raise ValueError(f"its format is {members['format']!r}")
    return members


def _members(package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": str(package.version),
        "archive": package.archive,
        "path": package.path,
        "sha256": package.digest.hex,
        "size": package.size_bytes,
    }


def _package(members: Any) -> Package:
    return Package(
        name=str(members["name"]),
        version=DebianVersion(str(members["version"])),
        archive=str(members["archive"]),
        path=str(members["path"]),
        digest=Digest.parse(f"sha256:{members['sha256']}"),
        size_bytes=int(members["size"]),
    )
