"""User names and passwords for the hosts of packages, found where uv finds them.

They come from the index URLs that the user or the model gave, from netrc, or, where
``UV_KEYRING_PROVIDER=subprocess`` says so, from the ``keyring`` program. A lock has none, so they are
looked up again when its files are fetched.
"""

import netrc
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lading.environment import PackageIndex

Login = tuple[str, str]
"""User name and password."""


def find_login(url: str, index: PackageIndex, environ: Mapping[str, str] = os.environ) -> Login | None:
    """Return who to be at *url*; None for nobody."""
    for place in _places(index, environ):
        parts = urlsplit(place)
        if parts.username is None or origin(place) != origin(url):
            continue
        user, password = unquote(parts.username), unquote(parts.password or "")
        return user, password or _of_keyring(place, user, environ)
    return _of_netrc(url, environ)


def origin(url: str) -> str:
    """Return scheme, host and port of *url*: to no others are its credentials sent."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _places(index: PackageIndex, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the URLs of all indexes, those of *index* first."""
    yield from filter(None, [*index.extra_index_urls, index.index_url, *index.find_links])
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_FIND_LINKS"):
        # an index may be written name=url
        yield from (
            text[text.rfind("=", 0, text.find("://")) + 1 :] for text in environ.get(name, "").split()
        )


def _of_netrc(url: str, environ: Mapping[str, str]) -> Login | None:
    path = Path(environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(str(path)).authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None  # as uv and curl do: a missing or broken file is no file
    return (found[0] or found[1] or "", found[2] or "") if found else None


def _of_keyring(index: str, user: str, environ: Mapping[str, str]) -> str:
    """Return the password of *user*, which ``keyring`` has for the index or for its host; else nothing."""
    keyring = shutil.which("keyring", path=environ.get("PATH"))
    if environ.get("UV_KEYRING_PROVIDER") != "subprocess" or keyring is None:
        return ""
    parts = urlsplit(index)
    for service in (parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), parts.hostname or ""):
        done = subprocess.run([keyring, "get", service, user], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return ""
