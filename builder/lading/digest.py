"""SHA-256 digests, written as the OCI image specification writes them."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_FORM = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The SHA-256 of some bytes; ``str`` gives ``sha256:<hex>``."""

    hex: str
    """64 lower-case hexadecimal digits."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the digest that *text* writes.

        Raises:
            ValueError: *text* is not ``sha256:`` and 64 lower-case hexadecimal digits.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"not a sha256 digest: {text!r}")
        return cls(match[1])

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the digest of *data*."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Return the digest of a file's bytes, without holding them in memory."""
        with path.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").hexdigest())

    def __str__(self) -> str:
        return f"sha256:{self.hex}"
