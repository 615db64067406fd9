"""What a package says of the others that it needs (Debian Policy, chapter 7)."""

import operator
import re
from dataclasses import dataclass

from lading.debian.version import DebianVersion
from lading.errors import ArchiveError

_FORM = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*"
    r"(?:\(\s*(?P<relation><<|<=|=|>=|>>)\s*(?P<version>[^\s)]+)\s*\))?"
)
_COMPARE = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One package by its name, with versions or without."""

    name: str
    relation: str = ""
    """``<<``, ``<=``, ``=``, ``>=`` or ``>>``; empty for any version."""

    version: DebianVersion | None = None

    def allows(self, version: DebianVersion) -> bool:
        """Return whether *version* is one of those that it names."""
        return self.version is None or bool(_COMPARE[self.relation](version, self.version))

    def __str__(self) -> str:
        return f"{self.name} ({self.relation} {self.version})" if self.version else self.name


def parse_relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """Return what *text* asks for: of each tuple, one.

    Raises:
        ArchiveError: it cannot be read.
    """
    return tuple(
        tuple(map(_parse, group.split("|"))) for group in text.replace("\n", " ").split(",") if group.strip()
    )


def _parse(text: str) -> Relation:
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ArchiveError(f"a package index has a dependency that cannot be read: {text.strip()!r}")
    version = match["version"]
    return Relation(match["name"], match["relation"] or "", DebianVersion(version) if version else None)
