"""Saying who one is, to real registries: by name and password, by tokens, and by certificates."""

import base64
import json
from collections.abc import Iterator

import pytest
from lading.errors import LadingError, PushFailed, RegistryError
from lading.oci.registry.credentials import Credentials, IdentityToken, Login
from lading.oci.registry.keychain import UserFiles
from lading.oci.registry.registries import Registries

from tests.builder.oci.registry.conftest import settings
from tests.conftest import run
from tests.registries.certificates import Certificates, make_certificates
from tests.registries.debian import HTPASSWD, PASSWORD, USER, Registry, running_registry
from tests.registries.images import AMD64, contents, image, layer, random_image
from tests.registries.tokens import IDENTITY, TokenServer

pytestmark = pytest.mark.container

LOGIN = Login(USER, PASSWORD)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    """An authority that no machine trusts, and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def basic(tmp_path_factory) -> Iterator[Registry]:
    """A registry that wants a name and password."""
    folder = tmp_path_factory.mktemp("basic")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": 'a "realm", quoted', "path": str(folder / "htpasswd")}}
    with running_registry(folder, auth=auth) as registry:
        yield registry


@pytest.fixture
def token_server(certificates) -> Iterator[TokenServer]:
    """A token server that a registry believes."""
    with TokenServer(certificates).running() as server:
        yield server


@pytest.fixture
def guarded(token_server, tmp_path) -> Iterator[Registry]:
    """A registry that wants tokens of that server."""
    with running_registry(tmp_path / "guarded", auth=token_server.registry_section) as registry:
        yield registry


def as_user(registry: Registry, credentials: Credentials = LOGIN) -> Registries:
    """Return a client that is somebody at *registry*."""
    return Registries(settings({registry.host: credentials}))


def test_name_and_password(basic, tmp_path):
    """What was pushed with them is read by skopeo with them."""
    made, ref = random_image(1), basic.ref("team/iris:1")
    with as_user(basic) as registries:
        registries.push(made, ref)
        assert contents(registries.pull(ref, AMD64).image) == contents(made)

    told = run("skopeo", "inspect", "--tls-verify=false", "--creds", f"{USER}:{PASSWORD}", f"docker://{ref}")

    assert json.loads(told)["Digest"] == str(made.descriptor.digest)


@pytest.mark.parametrize(
    ("credentials", "hint"),
    [
        (Login(USER, "hunter2"), "may this user do that? log in with: docker login"),
        (None, "log in with: docker login"),
    ],
)
def test_wrong_credentials_are_told_without_the_password(basic, credentials, hint):
    """The error names host, repository and what to do; it is not tried again and again."""
    with as_user(basic, credentials) as registries, pytest.raises(PushFailed) as caught:
        registries.push(random_image(2), basic.ref("team/iris:2"))

    assert f"{basic.host}/team/iris refuses" in caught.value.message
    assert f"{hint} {basic.host}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_docker_configuration_opens_the_registry(basic, tmp_path):
    """``docker login`` wrote it."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {basic.host: {"auth": auth}}}))
    keychain = UserFiles({"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)})

    with Registries(settings(keychain=keychain)) as registries:
        registries.push(random_image(3), basic.ref("team/iris:3"))
        assert registries.resolve(basic.ref("team/iris:3")) is not None


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_tokens(token_server, guarded, member):
    """One token is enough for a whole push, whatever the answer calls it."""
    token_server.member = member
    made, ref = random_image(4), guarded.ref("team/iris:1")

    with as_user(guarded) as registries:
        registries.push(made, ref)

    assert token_server.asked == [(USER, ["repository:team/iris:pull,push"])]
    with as_user(guarded) as registries:
        assert contents(registries.pull(ref, AMD64).image) == contents(made)
    assert token_server.asked[-1] == (USER, ["repository:team/iris:pull"])


def test_tokens_for_nobody(token_server, guarded):
    """Public images are pulled with a token that anyone gets; a push is refused with what to do."""
    with as_user(guarded) as registries:
        registries.push(random_image(5), guarded.ref("team/iris:1"))
    token_server.allowed = lambda user, scope: user == USER or scope.endswith(":pull")

    with Registries(settings()) as registries:
        assert registries.resolve(guarded.ref("team/iris:1")) is not None
        with pytest.raises(PushFailed, match=f"log in with: docker login {guarded.host}"):
            registries.push(random_image(6), guarded.ref("team/iris:2"))


@pytest.mark.parametrize("has_oauth", [True, False])
def test_identity_tokens(token_server, guarded, has_oauth):
    """They are exchanged as OAuth wants it; servers without it take them for a password."""
    token_server.has_oauth = has_oauth

    with as_user(guarded, IdentityToken(IDENTITY)) as registries:
        registries.push(random_image(7), guarded.ref("team/iris:1"))

    assert token_server.asked == [(USER, ["repository:team/iris:pull,push"])]


def test_a_token_that_ends_in_mid_push_is_renewed(token_server, guarded):
    """The registry says 401, a new token is fetched, and the push goes on."""
    token_server.late_s = [600, 600]
    made, ref = random_image(8), guarded.ref("team/iris:1")

    with as_user(guarded) as registries:
        registries.push(made, ref)
        assert registries.resolve(ref) == made.descriptor.digest

    assert len(token_server.asked) > 2


def test_a_mount_asks_for_the_other_repository_behind_its_own(token_server, guarded):
    """Scopes are in the order that registries with one scope understand; bytes do not move."""
    base, ref = guarded.ref("bases/python:1"), guarded.ref("team/iris:1")
    with as_user(guarded) as registries:
        registries.push(image(layer(b"base")), base)
        pulled = registries.pull(base, AMD64).image
        registries.push(pulled.with_layers([*pulled.layers, layer(b"model")]), ref)

    assert (USER, ["repository:team/iris:pull,push", "repository:bases/python:pull"]) in token_server.asked
    mounts = [status for method, path, status in guarded.requests() if method == "POST" and "mount=" in path]
    assert mounts == [201]


def test_a_mount_that_is_not_allowed_is_an_upload(token_server, guarded):
    """Whoever may not read the other repository pushes the bytes."""
    source, ref = guarded.ref("secret/python:1"), guarded.ref("team/iris:1")
    made = image(layer(b"base"))
    with as_user(guarded) as registries:
        registries.push(made, source)
    token_server.allowed = lambda user, scope: "secret" not in scope

    with as_user(guarded) as registries:
        registries.push(made, ref, mounted_from=("secret/python",))
        assert contents(registries.pull(ref, AMD64).image) == contents(made)


def test_a_denied_repository_is_told(token_server, guarded):
    """The error names the repository, and no token."""
    token_server.allowed = lambda user, scope: False

    with (
        as_user(guarded) as registries,
        pytest.raises(PushFailed, match=r"team/iris refuses.*may this user") as caught,
    ):
        registries.push(random_image(9), guarded.ref("team/iris:1"))

    assert "Bearer" not in str(caught.value)


def test_a_token_server_that_refuses_is_told(token_server, guarded):
    """The error is not that of the registry."""
    wrong = Login(USER, "hunter2")

    with (
        as_user(guarded, wrong) as registries,
        pytest.raises(RegistryError, match=r"token server.*401") as caught,
    ):
        registries.resolve(guarded.ref("team/iris:1"))

    assert "hunter2" not in str(caught.value)


@pytest.fixture(scope="module")
def encrypted(certificates, tmp_path_factory) -> Iterator[Registry]:
    """A registry with TLS, whose certificate our own authority signed."""
    tls = {"certificate": str(certificates.server), "key": str(certificates.key)}
    with running_registry(tmp_path_factory.mktemp("tls"), http={"tls": tls}) as registry:
        yield registry


def test_an_authority_of_ones_own_in_the_hosts_folder(encrypted, certificates, tmp_path):
    """``certs.d/<host>/ca.crt`` is trusted for this host, by us as by Docker and skopeo."""
    folder = tmp_path / encrypted.host
    folder.mkdir()
    (folder / "ca.crt").write_bytes(certificates.authority.read_bytes())
    made, ref = random_image(10), encrypted.ref("team/iris:1")

    with Registries(settings(certificate_folders=(tmp_path,))) as registries:
        registries.push(made, ref)
        assert contents(registries.pull(ref, AMD64).image) == contents(made)

    told = run("skopeo", "inspect", "--cert-dir", folder, f"docker://{ref}")
    assert json.loads(told)["Digest"] == str(made.descriptor.digest)


def test_an_authority_of_ones_own_in_the_environment(encrypted, certificates, monkeypatch):
    """``SSL_CERT_FILE`` counts as it does everywhere in Lading."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))

    with Registries(settings()) as registries:
        assert registries.resolve(encrypted.ref("nobody/pushed:1")) is None


def test_an_unknown_authority_is_told_with_the_ways_out(encrypted):
    """It is no reason to speak plainly instead."""
    with Registries(settings()) as registries, pytest.raises(LadingError) as caught:
        registries.resolve(encrypted.ref("team/iris:1"))

    assert f"{encrypted.host} cannot be trusted" in str(caught.value)
    assert "SSL_CERT_FILE" in str(caught.value)
    assert f"certs.d/{encrypted.host}/ca.crt" in str(caught.value)


def test_a_host_that_the_user_calls_insecure_is_not_checked(encrypted):
    """Only that host, and still with encryption where it has it."""
    with Registries(settings(insecure_hosts=frozenset({encrypted.host}))) as registries:
        assert registries.resolve(encrypted.ref("nobody/pushed:1")) is None


def test_a_file_that_is_no_certificate_is_told(encrypted, tmp_path):
    """The error names the file."""
    folder = tmp_path / encrypted.host
    folder.mkdir()
    (folder / "ca.crt").write_text("no certificate")

    told = pytest.raises(RegistryError, match=r"ca\.crt' cannot be used as a certificate")
    with Registries(settings(certificate_folders=(tmp_path,))) as registries, told:
        registries.resolve(encrypted.ref("team/iris:1"))


def test_a_certificate_of_ones_own_is_shown(certificates, tmp_path):
    """``client.cert`` and ``client.key`` in the host's folder say who one is where that is asked for."""
    tls = {
        "certificate": str(certificates.server),
        "key": str(certificates.key),
        "clientcas": [str(certificates.authority)],
    }
    with running_registry(tmp_path / "mutual", http={"tls": tls}) as registry:
        folder = tmp_path / "certs.d" / registry.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(certificates.authority.read_bytes())
        mine = settings(certificate_folders=(tmp_path / "certs.d",))
        with Registries(mine) as registries, pytest.raises(RegistryError):
            registries.resolve(registry.ref("team/iris:1"))
        (folder / "client.cert").write_bytes(certificates.server.read_bytes())
        (folder / "client.key").write_bytes(certificates.key.read_bytes())

        with Registries(mine) as registries:
            assert registries.resolve(registry.ref("team/iris:1")) is None
