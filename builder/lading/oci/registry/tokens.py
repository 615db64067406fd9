"""Tokens from the server that a registry names: Docker's token protocol, and OAuth 2 for identity tokens.

https://distribution.github.io/distribution/spec/auth/token/ and ``…/auth/oauth/``. The server is named by
whoever answers at the registry's address; credentials go there only where that is no trap.
"""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from lading.errors import RegistryError
from lading.oci.registry.address import is_internal, is_loopback, split_url
from lading.oci.registry.credentials import Credentials, IdentityToken, Login, RegistryToken
from lading.oci.registry.patience import Passing, Patience, retry_after_s
from lading.oci.registry.problems import PASSING, refused
from lading.oci.registry.transport import Body, Request, Transport

_LIMIT_BYTES = 1 << 20
_OK, _NO_SUCH = 200, frozenset({404, 405})
_DEFAULT_LIFE_S = 60.0
_MARGIN_S = 10.0
"""A token is not used in the last seconds of its life: the registry's clock is not ours."""


@dataclass(frozen=True, slots=True)
class Token:
    """Permits some actions for a while."""

    text: str = field(repr=False)
    ends_s: float
    """By ``time.monotonic``."""


@dataclass(frozen=True, slots=True)
class TokenServer:
    """A token server, as one registry names it."""

    registry: str
    """For errors."""

    realm: str
    service: str | None
    transport: Transport
    patience: Patience

    def token(self, credentials: Credentials | None, scopes: Sequence[str]) -> Token:
        """Return a token for *scopes*, as whoever *credentials* stand for.

        Raises:
            RegistryError: there is none for them.
        """
        if isinstance(credentials, RegistryToken):
            return Token(credentials.token, float("inf"))
        if isinstance(credentials, IdentityToken):
            status, data = self._send(self._exchange(credentials, scopes))
            if status not in _NO_SUCH:
                return self._token(status, data, credentials)
        status, data = self._send(self._question(credentials, scopes))
        return self._token(status, data, credentials)

    def _question(self, credentials: Credentials | None, scopes: Sequence[str]) -> Request:
        """Return the request of the token protocol; scopes in their order, as some servers read one only."""
        query = [("service", self.service)] if self.service else []
        query += [("scope", scope) for scope in scopes]
        mark = "&" if urlsplit(self.realm).query else "?"
        return Request("GET", f"{self.realm}{mark}{urlencode(query)}", _authorization(credentials))

    def _exchange(self, credentials: IdentityToken, scopes: Sequence[str]) -> Request:
        """Return the request of OAuth 2: an identity token is a refresh token."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": credentials.token,
            "service": self.service or "",
            "client_id": "lading",
            "scope": " ".join(scopes),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", self.realm, headers, Body.of(urlencode(form).encode()))

    def _send(self, request: Request) -> tuple[int, bytes]:
        tries = self.patience.start()
        while True:
            try:
                return self._send_once(request)
            except Passing as failure:
                try:
                    tries.failed(failure)
                except Passing:
                    raise self._error(f"cannot be asked: {failure}", "try again later") from failure

    def _send_once(self, request: Request) -> tuple[int, bytes]:
        with self.transport.send(request) as answer:
            if answer.status in PASSING:
                wait_s = retry_after_s(answer.header("Retry-After"))
                raise Passing(f"it answers {answer.status} {answer.reason}", wait_s=wait_s)
            return answer.status, answer.read(_LIMIT_BYTES)

    def _token(self, status: int, data: bytes, credentials: Credentials | None) -> Token:
        if status != _OK:
            has_credentials = credentials is not None
            where = f"{self.registry} (token server {urlsplit(self.realm).netloc.rpartition('@')[2]})"
            error = refused("a token", where, status, data, has_credentials=has_credentials)
            error.hint = (
                f"{'are name and password still right? ' if has_credentials else ''}"
                f"log in with: docker login {self.registry}"
            )
            raise error
        try:
            members = json.loads(data)
            text = members.get("token") or members.get("access_token")
            life_s = float(members.get("expires_in") or _DEFAULT_LIFE_S)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._error("answers no token as JSON", None) from error
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            raise self._error("answers no token", None)
        return Token(text, time.monotonic() + max(life_s - _MARGIN_S, life_s / 2))

    def _error(self, what: str, hint: str | None) -> RegistryError:
        server = urlsplit(self.realm).netloc.rpartition("@")[2]
        return RegistryError(f"the token server {server} of {self.registry} {what}", hint=hint)


def check_realm(realm: str, base_url: str) -> None:
    """Refuse a token server that the registry at *base_url* must not name.

    Raises:
        RegistryError: our credentials would go unencrypted where the registry is encrypted, or into an
            inner network that the registry is not in.
    """
    its, ours = split_url(realm), urlsplit(base_url)
    host, registry = its.hostname or "", ours.hostname or ""
    if its.scheme not in {"https", "http"} or not host:
        raise RegistryError(f"{ours.netloc} names no token server that can be asked")
    is_heard = ours.scheme == "https" or (is_loopback(registry) and not is_loopback(host))
    if its.scheme == "http" and is_heard:
        raise RegistryError(f"{ours.netloc} sends credentials to {its.netloc} without encryption")
    if host != registry and is_internal(host) and not is_internal(registry):
        raise RegistryError(f"{ours.netloc} sends credentials into an inner network: {its.netloc}")


def _authorization(credentials: Credentials | None) -> Mapping[str, str]:
    match credentials:
        case Login():
            return {"Authorization": basic(credentials)}
        case IdentityToken():  # servers without OAuth 2 take it for a password
            return {"Authorization": basic(Login("<token>", credentials.token))}
        case _:
            return {}


def basic(login: Login) -> str:
    """Return the header's value for a user name and password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
