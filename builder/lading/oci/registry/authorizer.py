"""The ``Authorization`` header for each request to one registry."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock

from lading.errors import RegistryError
from lading.oci.registry.address import Address
from lading.oci.registry.challenges import Challenge, parse_challenges
from lading.oci.registry.credentials import Credentials, Login, RegistryToken
from lading.oci.registry.keychain import Keychain
from lading.oci.registry.patience import Patience
from lading.oci.registry.tokens import Token, TokenServer, basic, check_realm
from lading.oci.registry.transport import Transport

_KNOWN = ("bearer", "basic")
"""The ways that we know, the better first; others, such as ``Negotiate``, are for browsers."""


@dataclass(slots=True)
class Authorizer:
    """Says who we are at one registry, in the way that it asks for; several threads may use one."""

    address: Address
    keychain: Keychain
    transport: Transport
    patience: Patience

    _challenge: Challenge | None = None
    _credentials: dict[str, Credentials | None] = field(default_factory=dict)
    _tokens: dict[tuple[str, ...], Token] = field(default_factory=dict)
    _asked_for: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Scopes that the registry wanted beyond those that we ask for, by repository."""

    _lock: RLock = field(default_factory=RLock)

    def learn(self, headers: Sequence[str], base_url: str) -> None:
        """Take up what the registry at *base_url* asks for in its ``WWW-Authenticate`` headers.

        Raises:
            RegistryError: it asks for nothing that we know.
        """
        found = {challenge.scheme: challenge for challenge in reversed(parse_challenges(headers))}
        challenge = next((found[scheme] for scheme in _KNOWN if scheme in found), None)
        if challenge is None:
            ways = ", ".join(sorted(found)) or "nothing that can be read"
            raise RegistryError(
                f"{self.address} wants to know who asks, by {ways}", hint="only basic and bearer work"
            )
        if challenge.scheme == "bearer":
            check_realm(challenge.parameters.get("realm", ""), base_url)
        with self._lock:
            self._challenge = challenge

    def has_credentials(self, repository: str) -> bool:
        """Whether we are somebody there."""
        return self._who(repository) is not None

    def header(self, repository: str, scopes: tuple[str, ...]) -> str | None:
        """Return the header's value for a request to *repository*; None for nobody.

        Raises:
            RegistryError: no token can be had.
        """
        with self._lock:
            credentials = self._who(repository)
            if self._challenge is None:
                return None
            if self._challenge.scheme == "basic":
                return basic(credentials) if isinstance(credentials, Login) else None
            return f"Bearer {self._token(repository, scopes, credentials).text}"

    def renew(self, repository: str, headers: Sequence[str], base_url: str, sent: str | None) -> bool:
        """Take up a 401; return whether there is anything new to say.

        Args:
            repository: where it happened.
            headers: ``WWW-Authenticate`` of the answer.
            base_url: of the registry.
            sent: the header that was refused.
        """
        with self._lock:
            if headers:
                self.learn(headers, base_url)
            if self._challenge is None:
                return False
            who = self._who(repository)
            if self._challenge.scheme == "basic":
                return sent is None and isinstance(who, Login)
            if isinstance(who, RegistryToken):
                return sent is None
            self._tokens = {
                key: token for key, token in self._tokens.items() if f"Bearer {token.text}" != sent
            }
            self._widen(repository, self._challenge.parameters.get("scope", "").split())
            return True

    def _widen(self, repository: str, scopes: Sequence[str]) -> None:
        known = self._asked_for.get(repository, ())
        self._asked_for[repository] = (*known, *(scope for scope in scopes if scope not in known))

    def _who(self, repository: str) -> Credentials | None:
        with self._lock:
            if repository not in self._credentials:
                self._credentials[repository] = self.keychain.find(self.address, repository)
            return self._credentials[repository]

    def _token(self, repository: str, scopes: tuple[str, ...], credentials: Credentials | None) -> Token:
        challenge = self._challenge
        assert challenge is not None  # noqa: S101 - the caller has looked
        more = (scope for scope in self._asked_for.get(repository, ()) if scope not in scopes)
        key = (*scopes, *more)
        token = self._tokens.get(key)
        if token is None or token.ends_s <= time.monotonic():
            realm, service = challenge.parameters.get("realm", ""), challenge.parameters.get("service")
            server = TokenServer(self.address.host, realm, service, self.transport, self.patience)
            token = self._tokens[key] = server.token(credentials, key)
        return token
