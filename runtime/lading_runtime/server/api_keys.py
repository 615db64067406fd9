"""The keys that open the server: words in a file, as many as clients; of the file, only digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path

KEY = re.compile(rb"[!-~]{16,512}")
"""What fits into a header; shorter ones can be guessed."""

COMMENT = b"#"
BEARER = b"bearer"


class ApiKeys:
    """Keys of clients."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    @classmethod
    def read(cls, path: Path) -> ApiKeys:
        """Return the keys in a file: one per line; empty lines and those that begin with ``#`` are skipped.

        Raises:
            ValueError: there are none, or a line is no key. Its text does not say which, nor what is in it.
        """
        try:
            lines = [line.strip() for line in path.read_bytes().splitlines()]
        except OSError as error:
            raise ValueError("expected a file that can be read") from error
        keys = [line for line in lines if line and not line.startswith(COMMENT)]
        if not keys or not all(KEY.fullmatch(key) for key in keys):
            raise ValueError("expected keys of 16 to 512 printable characters, one per line")
        return cls(keys)

    def __contains__(self, key: bytes) -> bool:
        """Tell whether *key* is one of them; how long that takes tells nothing of them."""
        presented = _digest(key)
        # All are compared, also after one that matches: a loop that ends early tells which one it was.
        return sum(hmac.compare_digest(presented, digest) for digest in self._digests) > 0

    def admits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Tell whether a request with *headers* brings one of them."""
        key = presented_key(headers)
        return key is not None and key in self


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the key that a request brings, as ``Authorization: Bearer`` (RFC 6750) or ``X-API-Key``."""
    given = dict(headers)
    scheme, _, token = given.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == BEARER:
        return token.strip()
    return given.get(b"x-api-key")


def _digest(key: bytes) -> bytes:
    # Of equal length, whatever the key's; not for keeping: a plain hash is enough.
    return hashlib.sha256(key).digest()
