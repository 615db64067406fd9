"""Where the two archives of Debian are, for this host."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from lading.debian.apt import AptConfiguration
from lading.errors import InvalidOption

ARCHIVE = "debian"
SECURITY = "debian-security"

_DEFAULT = "http://deb.debian.org/debian"
"""Plain HTTP, as Debian's own installer: everything is signed, and caches between may help."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The addresses of both archives, and how to get there."""

    addresses: Mapping[str, str]
    """By ``debian`` and ``debian-security``. They may hold credentials: never print them."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    """As apt has them; those of the environment count where this is empty."""

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ, apt: AptConfiguration | None = None) -> Self:
        """Return the mirror in ``LADING_DEBIAN_MIRROR``, or this host's own, or Debian's.

        ``LADING_DEBIAN_SECURITY_MIRROR`` names that of the security suites where it is not beside the
        other, with ``-security`` behind its name.

        Raises:
            InvalidOption: a variable is no address of a mirror.
        """
        apt = AptConfiguration.read() if apt is None else apt
        chosen = _chosen(environ, "LADING_DEBIAN_MIRROR")
        archive = chosen or apt.archive or _DEFAULT
        security = _chosen(environ, "LADING_DEBIAN_SECURITY_MIRROR")
        security = security or (None if chosen else apt.security) or f"{archive}-security"
        return cls({ARCHIVE: archive, SECURITY: security}, apt.proxies)

    def url(self, archive: str, path: str) -> str:
        """Return where *path* of an archive is."""
        return f"{self.addresses[archive]}/{path}"


def _chosen(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name, "").strip().rstrip("/")
    if not text:
        return None
    if urlsplit(text).scheme not in {"http", "https"}:
        raise InvalidOption(f"{name} is no http or https address", hint=f"such as {_DEFAULT}")
    return text
