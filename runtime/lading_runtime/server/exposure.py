"""Who may talk to the server, and how: API keys, TLS, and web pages of other origins. All off by default.

The files are read at the start, so that a mistake ends it, and again by each worker: after new ones
have been written, SIGHUP brings them into use. Keys that cannot be read then stay as they were.
"""

from __future__ import annotations

import logging
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Protocol, TypeVar

from lading_runtime.server.api_keys import ApiKeys

T = TypeVar("T")

logger = logging.getLogger(__name__)

ANY_ORIGIN = "*"
ORIGIN = re.compile(r"https?://[^\s/?#@]+")
"""RFC 6454 §6.2: scheme, host and port, nothing behind them; browsers send exactly that."""


class Reader(Protocol):
    """Reads a variable of the environment."""

    def __call__(self, name: str, parse: Callable[[str], T], default: str) -> T:
        """Return what *parse* makes of it, or of *default* if it is absent or empty."""


@dataclass(frozen=True)
class Exposure:
    """How the server is exposed. Make it with `read`, which validates; the constructor does not."""

    api_key_file: Path | None = None
    """One key per line, any of which opens; None: nobody is asked for one (``LADING_API_KEY_FILE``)."""

    first_keys: ApiKeys | None = None
    """What the file held at the start."""

    tls_cert_file: Path | None = None
    """PEM, with the chain; None: no TLS (``LADING_TLS_CERT_FILE``)."""

    tls_key_file: Path | None = None
    """PEM, without passphrase (``LADING_TLS_KEY_FILE``)."""

    cors_origins: tuple[str, ...] = ()
    """Whose pages may read answers (``LADING_CORS_ORIGINS``), or `ANY_ORIGIN`."""

    @classmethod
    def read(cls, read: Reader) -> Exposure:
        """Return what the environment says."""
        certificate = read("LADING_TLS_CERT_FILE", _file, "")

        def key_file(text: str) -> Path | None:
            return _key_of(certificate, text)

        keys = read("LADING_API_KEY_FILE", _keys, "")
        return cls(
            api_key_file=None if keys is None else read("LADING_API_KEY_FILE", Path, ""),
            first_keys=keys,
            tls_cert_file=certificate,
            tls_key_file=read("LADING_TLS_KEY_FILE", key_file, ""),
            cors_origins=read("LADING_CORS_ORIGINS", _origins, ""),
        )

    def api_keys(self) -> ApiKeys | None:
        """Return the keys that open, as the file has them now."""
        if self.api_key_file is None:
            return None
        try:
            return ApiKeys.read(self.api_key_file)
        except ValueError as error:
            # Ending here would end the server, gunicorn sees to that, for a slip that it need not notice.
            logger.error("API keys not read again", extra={"reason": str(error)})  # noqa: TRY400 - no traceback
            return self.first_keys


def _file(text: str) -> Path | None:
    if not text:
        return None
    try:
        with Path(text).open("rb"):
            return Path(text)
    except OSError as error:
        raise ValueError("expected a file that can be read") from error


def _keys(text: str) -> ApiKeys | None:
    return ApiKeys.read(Path(text)) if text else None


def _key_of(certificate: Path | None, text: str) -> Path | None:
    """Return the file of the private key, if it is that of *certificate*."""
    path = _file(text)
    if certificate is None and path is None:
        return None
    if certificate is None or path is None:
        raise ValueError("expected LADING_TLS_CERT_FILE and LADING_TLS_KEY_FILE, or neither")
    try:
        # OpenSSL would ask a terminal for a passphrase; an empty one is wrong at once.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, path, password="")
    except ssl.SSLError as error:
        raise ValueError(
            f"expected the private key of {str(certificate)!r}, both in PEM, without passphrase"
        ) from error
    return path


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise ValueError("expected * alone, or origins")
    if not all(origin == ANY_ORIGIN or ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("expected origins such as https://example.org, with commas between them")
    return origins
