"""Where a registry is: the host in a reference is not always the one that answers."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

from lading.errors import RegistryError
from lading.reference import ImageRef

_HUB = "docker.io"
_HUB_NAMES = frozenset({_HUB, "index.docker.io", "registry-1.docker.io"})
_HUB_API = "registry-1.docker.io"
_HUB_KEY = "https://index.docker.io/v1/"
"""What Docker's configuration files call Docker Hub: the address of an interface that is gone."""


@dataclass(frozen=True, slots=True)
class Address:
    """One registry, by the host in its references; ``str`` gives that host."""

    host: str
    """``name[:port]``; Docker Hub is ``docker.io`` whatever it was called."""

    @classmethod
    def of(cls, ref: ImageRef) -> Self:
        """Return the registry of *ref*."""
        host = (ref.host or _HUB).lower()
        return cls(_HUB if host in _HUB_NAMES else host)

    @property
    def api(self) -> str:
        """The host that answers."""
        return _HUB_API if self.host == _HUB else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, so that nobody listens on the way."""
        return is_loopback(urlsplit(f"//{self.api}").hostname or "")

    @property
    def credential_keys(self) -> tuple[str, ...]:
        """The names that configuration files may know it under, the best first."""
        return (_HUB_KEY, *sorted(_HUB_NAMES)) if self.host == _HUB else (self.host,)

    def repository(self, ref: ImageRef) -> str:
        """Return the path of *ref*'s repository; on Docker Hub a bare name is one of ``library``."""
        return f"library/{ref.path}" if self.host == _HUB and "/" not in ref.path else ref.path

    def __str__(self) -> str:
        return self.host


def is_loopback(hostname: str) -> bool:
    """Whether *hostname* is this machine, by name or by number."""
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    number = _number(hostname)
    return number is not None and number.is_loopback


def is_internal(hostname: str) -> bool:
    """Whether *hostname* is this machine, or a number that only an inner network knows.

    Such are the addresses that a hostile registry would have us visit in its stead, like a cloud's
    metadata server at a link-local number.
    """
    number = _number(hostname)
    return is_loopback(hostname) or (number is not None and not number.is_global)


def split_url(url: str, base: str = "") -> SplitResult:
    """Return the parts of a URL that a registry names, which counts from *base*.

    Raises:
        RegistryError: it is none.
    """
    try:
        parts = urlsplit(urljoin(base, url))
        _ = parts.port  # is looked at only when it is asked for
    except ValueError as error:  # such as a host in brackets that is no number, or a port above 65535
        raise RegistryError("a registry names what is no address") from error
    return parts


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of *url*: to no others are its credentials sent (RFC 6454, section 4)."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


def _number(hostname: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(hostname.strip("[]"))
    except ValueError:
        return None
