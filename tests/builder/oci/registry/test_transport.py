"""The way to a registry."""

import http.client

import pytest
from lading.errors import RegistryError
from lading.oci.registry.patience import Passing
from lading.oci.registry.registries import Registries
from lading.oci.registry.transport import Request, Transport
from lading.reference import ImageRef

from tests.builder.oci.registry.conftest import settings
from tests.registries.images import AMD64, contents, random_image
from tests.registries.web import serving

HOST = "registry.example:5000"


@pytest.mark.container
def test_a_push_through_a_proxy(registry, monkeypatch):
    """All of it goes there, with the proxy's own credentials; nobody looks up the registry's name."""
    asked = set()

    def forward(handler):
        asked.add((handler.command, handler.headers.get("Proxy-Authorization")))
        if handler.command == "CONNECT":
            handler.answer(403)
            return
        connection = http.client.HTTPConnection("127.0.0.1", registry.port)
        headers = {name: value for name, value in handler.headers.items() if name != "Accept-Encoding"}
        connection.request(handler.command, handler.path, handler.body() or None, headers)
        response = connection.getresponse()
        data = response.read()
        kept = {name.replace("-", "_"): value for name, value in response.getheaders()}
        handler.answer(response.status, data, **{k: v for k, v in kept.items() if k != "Transfer_Encoding"})
        connection.close()

    made, ref = random_image(1), ImageRef.parse(f"{HOST}/proxied/iris:1")
    with serving(forward) as port, Registries(settings(insecure_hosts=frozenset({HOST}))) as registries:
        monkeypatch.setenv("ALL_PROXY", f"http://me:secret@localhost:{port}")
        registries.push(made, ref)
        assert contents(registries.pull(ref, AMD64).image) == contents(made)

    assert {method for method, _ in asked} >= {"GET", "HEAD", "POST", "PUT"}
    assert {who for _, who in asked} == {"Basic bWU6c2VjcmV0"}


@pytest.mark.parametrize("proxy", ["socks5://localhost:1", "ftp://localhost:1"])
def test_a_proxy_that_cannot_be_used_is_told(proxy, monkeypatch):
    """Without what is secret in its address."""
    monkeypatch.setenv("ALL_PROXY", proxy.replace("//", "//me:hunter2@"))

    with (
        Registries(settings()) as registries,
        pytest.raises(RegistryError, match=r"proxy for .*HTTPS_PROXY") as caught,
    ):
        registries.resolve(ImageRef.parse(f"{HOST}/a:1"))

    assert "hunter2" not in str(caught.value)


def test_a_proxy_that_is_away_is_told(monkeypatch):
    """The registry may well be up; what is secret in the proxy's address is not shown."""
    monkeypatch.setenv("ALL_PROXY", "http://me:hunter2@127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    told = pytest.raises(RegistryError, match=r"cannot be reached through the proxy 127\.0\.0\.1:1: ")
    with Registries(settings()) as registries, told as caught:
        registries.resolve(ImageRef.parse(f"{HOST}/a:1"))

    assert "hunter2" not in str(caught.value)


def test_an_address_that_cannot_be_is_told(registries):
    """The error names it."""
    with pytest.raises(RegistryError, match="localhost:0"):
        registries.resolve(ImageRef.parse("localhost:0/a:1"))


def test_a_host_without_tls_is_told_how_to_be_allowed():
    """Nothing is spoken plainly where the user has not said so; the hint says how."""
    with (
        serving(lambda handler: handler.answer(200)) as port,
        Transport(frozenset(), ()) as transport,
        pytest.raises(Passing) as caught,
        transport.send(Request("GET", f"https://127.0.0.1:{port}/v2/")),
    ):
        pass

    assert str(caught.value.meaning) == (
        f"127.0.0.1:{port} does not speak TLS; "
        f"where it may speak plain HTTP, allow that with --insecure-registry 127.0.0.1:{port}"
    )


def test_nobody_listens():
    """The reason is the system's, in words."""
    with (
        Registries(settings()) as registries,
        pytest.raises(RegistryError, match=r"^localhost:1 does not answer: it cannot be reached: connection"),
    ):
        registries.resolve(ImageRef.parse("localhost:1/a:1"))
