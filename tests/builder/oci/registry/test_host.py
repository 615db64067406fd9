"""What one registry may have us do, and what it may not."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from lading.errors import InvalidImage, RegistryError
from lading.oci.registry.address import Address
from lading.oci.registry.authorizer import Authorizer
from lading.oci.registry.host import Host
from lading.oci.registry.patience import Patience
from lading.oci.registry.problems import plain, refused
from lading.oci.registry.registries import Registries
from lading.oci.registry.tokens import check_realm
from lading.oci.registry.transport import Transport
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.registry.conftest import Nobody, settings
from tests.registries.images import AMD64
from tests.registries.web import serving


def known_host(name: str, base_url: str) -> Host:
    """Return a registry that was greeted already."""
    transport = Transport(frozenset(), ())
    authorizer = Authorizer(Address(name), Nobody(), transport, Patience())
    return Host(
        Address(name), transport, authorizer, Patience(), Silent(), is_plain_allowed=False, _base_url=base_url
    )


SECURE = ("registry.example", "https://registry.example")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/b?_state=x%3D", "https://registry.example/v2/a/b?_state=x%3D"),
        ("upload/1", "https://registry.example/v2/upload/1"),
        ("https://storage.example/x?signature=a%2Fb", "https://storage.example/x?signature=a%2Fb"),
        ("http://registry.example/v2/x", "https://registry.example/v2/x"),
        ("http://registry.example:80/v2/x", "https://registry.example/v2/x"),
    ],
)
def test_places_that_a_registry_may_name(location, expected):
    """Absolute or relative, kept as they are; a registry that does not know of its TLS is helped."""
    assert known_host(*SECURE).resolve("https://registry.example/v2/x", location, "x") == expected


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://storage.example/x", "unencrypted"),
        ("ftp://storage.example/x", "unencrypted"),
        ("file:///etc/passwd", "unencrypted"),
        ("https://169.254.169.254/latest", "inner network"),
        ("https://localhost/x", "inner network"),
        ("https://[::1]/x", "inner network"),
        ("https://[bad/x", "no address"),
        ("https://storage.example:99999/x", "no address"),
    ],
)
def test_places_that_a_registry_must_not_name(location, reason):
    """Neither without encryption, nor inside of the network that we are in."""
    with pytest.raises(RegistryError, match=reason):
        known_host(*SECURE).resolve("https://registry.example/v2/x", location, "x")


def test_an_inner_registry_may_name_inner_places():
    """It is there itself."""
    host = known_host("127.0.0.1:5000", "http://127.0.0.1:5000")

    assert host.resolve("http://127.0.0.1:5000/v2/", "http://10.0.0.1/x", "x") == "http://10.0.0.1/x"


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "https://169.254.169.254/token",
        "https://localhost/token",
        "ftp://auth.example",
        "",
        "https://[bad",
    ],
)
def test_token_servers_that_a_registry_must_not_name(realm):
    """Our credentials would go there."""
    with pytest.raises(RegistryError):
        check_realm(realm, "https://registry.example")


def test_a_registry_here_must_not_name_an_unencrypted_server_elsewhere():
    """What is allowed to be plain is what stays on this machine."""
    with pytest.raises(RegistryError, match="without encryption"):
        check_realm("http://auth.example/token", "http://localhost:5000")


@pytest.mark.parametrize(
    ("realm", "base_url"),
    [
        ("https://auth.example/token", "https://registry.example"),
        ("https://10.0.0.5:8443/token", "https://10.0.0.5"),
        ("http://127.0.0.1:1/token", "http://localhost:5000"),
        ("http://localhost:1/token", "http://127.0.0.1:5000"),
    ],
)
def test_token_servers_that_a_registry_may_name(realm, base_url):
    """Others, itself, and on this machine any."""
    check_realm(realm, base_url)


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (404, "NAME_UNKNOWN", "Amazon ECR, want it created first"),
        (403, "DENIED", "this user may not do that in host:1/a/b"),
        (429, "TOOMANYREQUESTS", "limits how much"),
        (429, "", "limits how much"),
        (500, "", "a problem of its own"),
        (401, "UNAUTHORIZED", "log in with: docker login host:1"),
        (405, "UNSUPPORTED", "only a mirror"),
    ],
)
def test_refusals_say_what_to_do(status, code, hint):
    """By the registry's own word where it has one, else by the status."""
    data = f'{{"errors": [{{"code": "{code}", "message": "no"}}]}}'.encode()

    error = refused("the blob x", "host:1/a/b", status, data, has_credentials=True)

    assert error.message.startswith(f"host:1/a/b refuses the blob x: {status}")
    assert hint in str(error)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b'{"errors": 1}', b'{"errors": [1, null]}', b"[" * 99_999]
)
def test_refusals_need_not_be_documents(data):
    """Proxies answer as they like."""
    assert refused("x", "h/a", 400, data, has_credentials=False).codes == frozenset()


def test_what_a_registry_says_is_one_line_without_secrets():
    """It may repeat what it was sent."""
    said = plain("see https://me:hunter2@host/x?token=abc\nAuthorization: Bearer ey.secret")

    assert said == "see https://…host/x… Authorization: …"


def test_a_redirect_in_circles_ends(registries):
    """A registry cannot keep us busy."""
    with (
        serving(
            lambda handler: handler.answer(200 if handler.path == "/v2/" else 307, Location=handler.path)
        ) as port,
        pytest.raises(RegistryError, match="around in circles"),
    ):
        registries.resolve(ImageRef.parse(f"localhost:{port}/a:1"))


def test_what_is_no_registry_is_told(registries):
    """Another program's web server answers 404 to the greeting."""
    told = pytest.raises(RegistryError, match="404 Not Found and is no registry")
    with serving(lambda handler: handler.answer(404)) as port, told:
        registries.resolve(ImageRef.parse(f"localhost:{port}/a:1"))


def test_a_page_in_place_of_a_manifest_is_told(registries):
    """A login page before a registry answers 200 to everything; the error names who gave it."""
    page = b"<html>please log in</html>"
    told = pytest.raises(InvalidImage, match=r"what localhost:\d+/a gives as 1 is no JSON")
    with serving(lambda handler: handler.answer(200, page, Content_Type="text/html")) as port, told:
        registries.pull(ImageRef.parse(f"localhost:{port}/a:1"), AMD64)


def test_who_speaks_no_tls_is_not_asked_again():
    """Where plain HTTP is not allowed, waiting does not help, and the error says what does."""
    waited: list[float] = []
    patience = Patience(sleep=lambda wait_s, _: waited.append(wait_s))
    with serving(lambda handler: handler.answer(200)) as port, Transport(frozenset(), ()) as transport:
        address = Address(f"localhost:{port}")
        authorizer = Authorizer(address, Nobody(), transport, patience)
        host = Host(address, transport, authorizer, patience, Silent(), is_plain_allowed=False)
        with pytest.raises(RegistryError, match=rf"speak TLS; .*--insecure-registry localhost:{port}"):
            _ = host.base_url

    assert waited == []


class Busy(Transport):
    """Brings the answer of a proxy that speaks TLS, and whose registry is away."""

    def __init__(self) -> None:
        super().__init__(frozenset(), ())
        self.asked: list[str] = []

    @contextmanager
    def send(self, request):
        """Answer, and remember what was asked."""
        self.asked.append(request.url)
        yield SimpleNamespace(status=503, reason="Busy", header=lambda _: None, headers=lambda _: [])


def test_who_answers_with_tls_is_not_asked_without():
    """Where plain HTTP is allowed, it is for those who speak no TLS; the error is about the real answer."""
    transport, address = Busy(), Address("localhost:5000")
    patience = Patience(sleep=lambda *_: None)
    authorizer = Authorizer(address, Nobody(), transport, patience)
    host = Host(address, transport, authorizer, patience, Silent(), is_plain_allowed=True)

    with pytest.raises(RegistryError, match="it answers 503 Busy"):
        _ = host.base_url

    assert set(transport.asked) == {"https://localhost:5000/v2/"}


def test_an_answer_without_an_end_is_not_kept_in_memory(registries):
    """Manifests have a size; who sends more is no registry."""
    big = b" " * (9 << 20)
    told = pytest.raises(RegistryError, match="far more than the manifest")
    with serving(lambda handler: handler.answer(200, b"" if handler.path == "/v2/" else big)) as port, told:
        registries.pull(ImageRef.parse(f"localhost:{port}/a:1"), AMD64)


def test_a_registry_that_limits_requests_is_waited_for():
    """As long as it says, and then the error says what it was."""
    waited: list[float] = []

    def limited(handler):
        if handler.path == "/v2/":
            handler.answer(200)
        else:
            handler.answer(429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', Retry_After="7")

    told = pytest.raises(RegistryError, match=r"localhost:\d+/a refuses the manifest 1: 429.*limits how much")
    patient = settings(patience=Patience(sleep=lambda wait_s, _: waited.append(wait_s)))
    with serving(limited) as port, Registries(patient) as registries, told:
        registries.pull(ImageRef.parse(f"localhost:{port}/a:1"), AMD64)

    assert waited == [7, 7, 7, 7]


def test_other_ways_to_say_who_one_is_are_told(registries):
    """A registry behind Kerberos cannot be used."""
    told = pytest.raises(RegistryError, match="by negotiate; only basic and bearer work")
    with serving(lambda handler: handler.answer(401, WWW_Authenticate="Negotiate")) as port, told:
        registries.resolve(ImageRef.parse(f"localhost:{port}/a:1"))
