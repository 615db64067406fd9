"""Token servers that misbehave."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from lading.errors import RegistryError
from lading.oci.registry.credentials import IdentityToken, Login, RegistryToken
from lading.oci.registry.patience import Patience
from lading.oci.registry.tokens import Token, TokenServer
from lading.oci.registry.transport import Transport

from tests.registries.web import serving

LOGIN = Login("me", "hunter2")


@pytest.fixture
def ask() -> Iterator[Callable[..., Token]]:
    """Asks the token server at a port, as a registry names it, for a token."""
    with Transport(frozenset(), ()) as transport:

        def ask(port, credentials, scopes=()):
            realm, patience = f"http://localhost:{port}/token?old=1", Patience(sleep=lambda *_: None)
            server = TokenServer("registry.example", realm, "service", transport, patience)
            return server.token(credentials, scopes)

        yield ask


@pytest.mark.parametrize(
    ("status", "data", "reason"),
    [
        (200, b"nonsense", "answers no token as JSON"),
        (200, b"[]", "answers no token as JSON"),
        (200, b"{}", "answers no token"),
        (200, b'{"token": "a\\nb"}', "answers no token"),
        (200, b'{"token": "a", "expires_in": "soon"}', "answers no token as JSON"),
        (503, b"", "cannot be asked: it answers 503"),
        (403, b'{"errors": [{"code": "DENIED"}]}', "403 DENIED"),
    ],
)
def test_what_is_no_token_is_told(ask, status, data, reason):
    """The error names the token server and the registry, and has no secret."""
    told = pytest.raises(RegistryError, match=reason)
    with serving(lambda handler: handler.answer(status, data)) as port, told as caught:
        ask(port, LOGIN, ["repository:a:pull"])

    assert f"localhost:{port}" in str(caught.value)
    assert "registry.example" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_scopes_are_asked_for_in_their_order(ask):
    """Behind what the registry's address has already."""
    asked = []

    def answer(handler):
        asked.append(handler.path)
        handler.answer(200, json.dumps({"token": "t"}).encode())

    with serving(answer) as port:
        token = ask(port, None, ["repository:a/b:pull,push", "repository:c:pull"])

    assert token.text == "t"
    assert asked == [
        "/token?old=1&service=service&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull"
    ]


@pytest.mark.parametrize(("life_s", "least_s", "most_s"), [(300, 280, 300), (None, 40, 60), (4, 1, 3)])
def test_a_token_is_not_used_to_its_end(ask, life_s, least_s, most_s):
    """Clocks differ; where the server does not tell, it is a minute."""
    data = json.dumps({"token": "t", **({"expires_in": life_s} if life_s else {})}).encode()
    with serving(lambda handler: handler.answer(200, data)) as port:
        before = time.monotonic()
        token = ask(port, LOGIN)

    assert before + least_s < token.ends_s < time.monotonic() + most_s


def test_a_registry_token_needs_no_server(ask):
    """It is for the registry itself."""
    assert ask(1, RegistryToken("t")).text == "t"


def test_a_wrong_identity_token_is_told(ask):
    """The server understands OAuth, and says no."""
    told = pytest.raises(RegistryError, match=r"docker login registry\.example")
    with serving(lambda handler: handler.answer(400, b'{"error": "invalid_grant"}')) as port, told as caught:
        ask(port, IdentityToken("s3cret"))

    assert "s3cret" not in str(caught.value)
