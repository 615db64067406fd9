"""The files in which Docker and Podman keep credentials: ``config.json`` and ``auth.json``, one format.

Inside of one, ``credHelpers`` counts before ``credsStore`` and that before ``auths``
(``containers-auth.json(5)``, ``docker login``).
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from lading.errors import RegistryError
from lading.oci.registry.credentials import Credentials, IdentityToken, Login, RegistryToken


@dataclass(frozen=True, slots=True)
class AuthFile:
    """One such file."""

    origin: str
    """What errors call it."""

    members: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, text: str, origin: str) -> Self:
        """Return the credentials file that *text* is.

        Raises:
            RegistryError: it is none.
        """
        try:
            members = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RegistryError(f"{origin} is no JSON", hint="docker login writes it anew") from error
        if not isinstance(members, dict):
            raise RegistryError(f"{origin} is no JSON object", hint="docker login writes it anew")
        return cls(origin, members)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the file at *path*; None where there is none.

        Raises:
            RegistryError: it cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise RegistryError(f"{str(path)!r} cannot be read", hint="it holds credentials") from error
        return cls.parse(text, repr(str(path)))

    def helper(self, keys: Sequence[str]) -> tuple[str, str] | None:
        """Return the name of the program that has the credentials of a registry, and the key that it knows.

        Args:
            keys: what the registry is called, the best first.
        """
        special = _object(self.members, "credHelpers")
        named = [(special.get(key), key) for key in keys] + [(self.members.get("credsStore"), keys[0])]
        return next(((name, key) for name, key in named if name and isinstance(name, str)), None)

    def find(self, key: str) -> Credentials | None:
        """Return what the file itself says of *key*, ``host[/path]``; None for nothing.

        Raises:
            RegistryError: it says something that cannot be read; to be nobody in its stead would be refused
                later, for a reason that nobody could guess.
        """
        for name, entry in _object(self.members, "auths").items():
            if (name == key or _plain(name) == key) and isinstance(entry, dict):
                try:
                    return _credentials(entry)
                except ValueError as error:
                    raise RegistryError(
                        f"the credentials for {name!r} in {self.origin} cannot be read: {error}",
                        hint=f"docker login {key.partition('/')[0]} writes them anew",
                    ) from error
        return None


def auth_files(environ: Mapping[str, str] = os.environ) -> Iterator[AuthFile]:
    """Yield the files of the user, the first to count first; ``$DOCKER_AUTH_CONFIG`` is one without a file.

    Raises:
        RegistryError: one of them cannot be read.
    """
    if text := environ.get("DOCKER_AUTH_CONFIG"):
        yield AuthFile.parse(text, "$DOCKER_AUTH_CONFIG")
    for path in _paths(environ):
        if (file := AuthFile.read(path)) is not None:
            yield file


def _paths(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME") or Path.home())
    if chosen := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    runtime = environ.get("XDG_RUNTIME_DIR")
    yield (Path(runtime) / "containers" if runtime else Path(f"/run/containers/{os.getuid()}")) / "auth.json"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = members.get(name)
    return found if isinstance(found, dict) else {}


def _plain(name: str) -> str:
    """Return the host of a key that was written as a URL, as old versions of Docker did."""
    rest = name.partition("://")[2] or name
    for version in ("/v1", "/v2"):
        rest = rest.rstrip("/").removesuffix(version)
    return rest.rstrip("/").lower()


def _credentials(entry: Mapping[str, Any]) -> Credentials | None:
    """Return what an entry of ``auths`` holds; an empty one is what a credential store leaves behind.

    Raises:
        ValueError: it is no such entry; says why, without what may be secret.
    """
    if token := entry.get("registrytoken"):
        return RegistryToken(str(token))
    if token := entry.get("identitytoken"):
        return IdentityToken(str(token))
    username, password = _decoded(entry.get("auth")) or (entry.get("username"), entry.get("password"))
    if not username or password is None:
        return None
    return IdentityToken(str(password)) if username == "<token>" else Login(str(username), str(password))


def _decoded(auth: object) -> tuple[str, str] | None:
    """Return the name and password in ``auth``; None where there is none. Raises as `_credentials` does."""
    if not auth:
        return None
    try:
        # lines are folded by some programs; Go's decoder, which Docker has, takes them too
        text = base64.b64decode(re.sub(r"[\r\n]", "", str(auth)), validate=True).decode()
    except ValueError as error:
        raise ValueError("auth is no text in base64") from error
    username, colon, password = text.partition(":")
    if not colon:
        raise ValueError("auth is no NAME:PASSWORD in base64")
    return username, password.rstrip("\0")  # Docker pads some passwords with zero bytes
