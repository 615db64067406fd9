"""``RECORD``: which files a package has in an environment (the binary distribution format)."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Record:
    """The rows of a ``RECORD``, by path; a row is a hash and a size, or two empty texts."""

    rows: Mapping[str, tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rows in *text*.

        Raises:
            ValueError: it is no table of three columns.
        """
        try:
            rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        except csv.Error as error:
            raise ValueError(str(error)) from error
        return cls({path: (digest, size) for path, digest, size in rows})

    def encode(self) -> bytes:
        """Return the text, sorted by path."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self._sorted())
        return text.getvalue().encode(errors="surrogateescape")

    def _sorted(self) -> Iterator[tuple[str, str, str]]:
        return ((path, *self.rows[path]) for path in sorted(self.rows))


def row(content: Iterable[bytes]) -> tuple[str, str]:
    """Return the row of a file whose bytes come in pieces."""
    sha256, size = hashlib.sha256(), 0
    for chunk in content:
        sha256.update(chunk)
        size += len(chunk)
    digest = base64.urlsafe_b64encode(sha256.digest()).rstrip(b"=")
    return f"sha256={digest.decode()}", str(size)
