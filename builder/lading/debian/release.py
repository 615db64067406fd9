"""What a suite consists of, as its signed file ``InRelease`` says."""

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from lading.debian.control import parse_paragraph
from lading.digest import Digest
from lading.errors import ArchiveError

_FIELDS = 3


@dataclass(frozen=True, slots=True)
class ListedFile:
    """An index file of a suite."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Release:
    """One suite at one time."""

    codename: str
    """Such as ``bookworm``, ``bookworm-updates`` or ``bookworm-security``."""

    date: str
    valid_until: datetime | None
    """When a mirror must have a newer one; None where the release stays as it is."""

    has_by_hash: bool
    """Whether files can be asked for by their digests, so that an update of the mirror breaks nothing."""

    files: Mapping[str, ListedFile]
    """By path below the suite's folder."""

    @classmethod
    def parse(cls, text: str, name: str) -> Self:
        """Return the release that *text* describes; *name* names it in errors.

        Raises:
            ArchiveError: it cannot be read.
        """
        fields = parse_paragraph(text)
        try:
            until = fields.get("Valid-Until")
            return cls(
                codename=fields["Codename"],
                date=fields["Date"],
                valid_until=_time(until) if until else None,
                has_by_hash=fields.get("Acquire-By-Hash", "").lower() == "yes",
                files=_files(fields["SHA256"]),
            )
        except (KeyError, ValueError) as error:
            raise ArchiveError(f"{name} cannot be read: {error}") from error

    def is_expired(self, now: datetime) -> bool:
        """Return whether a mirror should have a newer one by *now*."""
        return self.valid_until is not None and now > self.valid_until


def _time(text: str) -> datetime:
    time = email.utils.parsedate_to_datetime(re.sub(r" UTC$", " +0000", text))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _files(text: str) -> dict[str, ListedFile]:
    rows = [line.split() for line in text.splitlines() if line.strip()]
    return {
        path: ListedFile(Digest.parse(f"sha256:{hexadecimal}"), int(size))
        for hexadecimal, size, path in (row for row in rows if len(row) == _FIELDS)
    }
