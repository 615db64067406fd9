"""Who we are at a registry."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """What a token server gave in place of a password; only it understands it (Docker's ``<token>``)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegistryToken:
    """A bearer token for the registry itself; no token server is asked."""

    token: str = field(repr=False)


Credentials = Login | IdentityToken | RegistryToken
