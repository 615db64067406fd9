"""A token server, as registries name them: https://distribution.github.io/distribution/spec/auth/token/."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.registries.certificates import Certificates
from tests.registries.debian import PASSWORD, USER
from tests.registries.web import Handler, serving

SERVICE = "the registry"
IDENTITY = "an-identity-token"


@dataclass
class TokenServer:
    """Signs tokens that a ``docker-registry`` believes."""

    certificates: Certificates

    allowed: Callable[[str | None, str], bool] = lambda user, scope: user == USER
    """Whether a user, None for nobody, may have a scope."""

    member: str = "token"
    """What the answer calls the token; some servers say ``access_token``."""

    has_oauth: bool = True
    """Whether identity tokens can be exchanged with POST."""

    late_s: list[float] = field(default_factory=list)
    """How long ago the next tokens ended; a token that is not mentioned is good."""

    asked: list[tuple[str | None, list[str]]] = field(default_factory=list)
    """Who asked for which scopes."""

    port: int = 0

    @property
    def registry_section(self) -> dict[str, Any]:
        """The registry's configuration that believes this server."""
        realm = f"http://127.0.0.1:{self.port}/token"
        bundle = str(self.certificates.authority)
        return {"token": {"realm": realm, "service": SERVICE, "issuer": "issuer", "rootcertbundle": bundle}}

    @contextmanager
    def running(self) -> Iterator["TokenServer"]:
        """Serve on a free port."""
        with serving(self._handle) as self.port:
            yield self

    def _handle(self, handler: Handler) -> None:
        if handler.command == "POST":
            form = parse_qs(handler.body().decode())
            if not self.has_oauth:
                handler.answer(404)
                return
            is_known = form["grant_type"] == ["refresh_token"] and form["refresh_token"] == [IDENTITY]
            user: str | None = USER if is_known else "?"
            scopes = form["scope"][0].split(" ")
        else:
            user = _user(handler.headers.get("Authorization"))
            scopes = parse_qs(urlsplit(handler.path).query).get("scope", [])
        self.asked.append((user, scopes))
        if user not in {None, USER}:
            handler.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}')
            return
        token = self._signed([scope for scope in scopes if self.allowed(user, scope)])
        handler.answer(200, json.dumps({self.member: token, "expires_in": 300}).encode())

    def _signed(self, scopes: list[str]) -> str:
        """Return a JSON web token (RFC 7519) for *scopes*."""
        certificate = self.certificates.server.read_text().strip().splitlines()[1:-1]
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(certificate)]}
        now = int(time.time())
        ends = now - int(self.late_s.pop(0)) if self.late_s else now + 300
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        claims = {"iss": "issuer", "aud": SERVICE, "sub": "", "exp": ends, "nbf": 0, "access": access}
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return (signed + b"." + _encoded(_signature(self.certificates.key, signed))).decode()


def _signature(key: Path, data: bytes) -> bytes:
    command = ["openssl", "dgst", "-sha256", "-sign", str(key)]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _user(header: str | None) -> str | None:
    """Return who a Basic header says; ``?`` for somebody whom nobody knows."""
    if header is None:
        return None
    name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return USER if (name, password) in {(USER, PASSWORD), ("<token>", IDENTITY)} else "?"
