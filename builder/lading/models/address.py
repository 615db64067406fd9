"""URLs of servers and storage: how they may be shown, and where local ones are."""

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lading.errors import TrackingServerError

_USER_INFO = re.compile(r"(://)[^/@\s]+@")
_QUERY = re.compile(r"(://[^\s?'\"]+)\?[^\s'\"]*")


def shown(uri: str) -> str:
    """Return *uri* without what may be secret: name and password, query, fragment."""
    url = _split(uri)
    if not url.scheme or not url.netloc:
        return uri.partition("?")[0]
    return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))


def scheme_of(uri: str) -> str:
    """Return the URL's scheme in lower case; empty for a path."""
    return _split(uri).scheme.lower()


def local_path(uri: str, folder: Path) -> Path | None:
    """Return the path that a ``file:`` URI or a plain path names, or None for any other URI.

    Relative paths count from *folder*.
    """
    url = _split(uri)
    if url.scheme.lower() == "file":
        return folder / unquote(url.path) if url.netloc in {"", "localhost"} else None
    return None if url.scheme else folder / uri


def joined(uri: str, path: str) -> str:
    """Return the URI of *path* below *uri*, whose query stays last."""
    if not path:
        return uri
    base, mark, query = uri.partition("?")
    return f"{base.rstrip('/')}/{path}{mark}{query}"


def scrubbed(message: str) -> str:
    """Return the first line of another library's message, URLs in it without names, passwords and queries."""
    first = message.strip().partition("\n")[0]
    return _QUERY.sub(r"\1", _USER_INFO.sub(r"\1", first))


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:  # such as a host in brackets that is no address
        raise TrackingServerError("an address in the tracking store or its settings is no URL") from error
