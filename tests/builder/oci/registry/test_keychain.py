"""Where credentials are looked for, and in which order."""

import json
import stat
from pathlib import Path

import pytest
from lading.errors import RegistryError
from lading.oci.registry.address import Address
from lading.oci.registry.credentials import IdentityToken, Login
from lading.oci.registry.keychain import Given, UserFiles

HOST = Address("registry.example:5000")


@pytest.fixture
def environ(tmp_path):
    """An environment whose folders are empty."""
    return {
        "HOME": str(tmp_path / "home"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
    }


def write(path, **auths):
    """Write a credentials file with a user for each key; ``_`` is the host."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {
        name.replace("_", HOST.host): {"username": user, "password": "p"} for name, user in auths.items()
    }
    path.write_text(json.dumps({"auths": entries}))


def user(environ, repository="team/iris"):
    """Return who is found."""
    found = UserFiles(environ).find(HOST, repository)
    return found.username if isinstance(found, Login) else found


def helper(environ, name, body):
    """Write a credential program."""
    program = Path(environ["PATH"].partition(":")[0]) / f"docker-credential-{name}"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_the_order_of_places(environ, tmp_path):
    """From the environment over Docker's file to Podman's two; each counts before the next."""
    assert user(environ) is None
    write(tmp_path / "config/containers/auth.json", _="podman, kept")
    assert user(environ) == "podman, kept"
    write(tmp_path / "run/containers/auth.json", _="podman, of this session")
    assert user(environ) == "podman, of this session"
    write(tmp_path / "home/.docker/config.json", _="docker")
    assert user(environ) == "docker"
    write(tmp_path / "other/config.json", _="docker, elsewhere")
    environ["DOCKER_CONFIG"] = str(tmp_path / "other")
    assert user(environ) == "docker, elsewhere"
    write(tmp_path / "chosen", _="a chosen file")
    environ["REGISTRY_AUTH_FILE"] = str(tmp_path / "chosen")
    assert user(environ) == "a chosen file"
    environ["DOCKER_AUTH_CONFIG"] = (tmp_path / "chosen").read_text().replace("a chosen file", "a variable")
    assert user(environ) == "a variable"


def test_given_credentials_count_first(environ, tmp_path):
    """For their host; others are looked up."""
    write(tmp_path / "home/.docker/config.json", _="docker")
    keychain = Given({"other.example": Login("given", "p")}, UserFiles(environ))

    assert keychain.find(Address("other.example"), "x") == Login("given", "p")
    assert keychain.find(HOST, "x") == Login("docker", "p")


def test_the_longest_key_of_a_repository_counts(environ, tmp_path):
    """Podman keeps credentials for parts of a registry."""
    write(
        tmp_path / "home/.docker/config.json",
        **{"_": "host", "_/team": "team", "_/team/iris": "repository", "_/team/ir": "no folder"},
    )

    assert user(environ) == "repository"
    assert user(environ, "team/other") == "team"
    assert user(environ, "x/y") == "host"


def test_docker_hub_is_known_by_its_old_name(environ, tmp_path):
    """``docker login`` without a host writes the address of an interface that is gone."""
    entry = {"https://index.docker.io/v1/": {"username": "me", "password": "p"}}
    path = tmp_path / "home/.docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"auths": entry}))

    assert UserFiles(environ).find(Address("docker.io"), "library/python") == Login("me", "p")


@pytest.mark.parametrize(
    "members", [{"credsStore": "pass"}, {"credHelpers": {HOST.host: "pass"}, "credsStore": "no"}]
)
def test_credential_programs(environ, tmp_path, members):
    """They get the host on standard input, and count before the file's own entries."""
    path = tmp_path / "home/.docker/config.json"
    write(path, _="in the file")
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))
    helper(environ, "pass", 'read host; printf \'{"Username": "for %s", "Secret": "s"}\' "$host"')

    assert user(environ) == f"for {HOST.host}"


def test_a_store_is_asked_once_for_docker_hub(environ, tmp_path):
    """By the name that ``docker login`` keeps, however many names it has."""
    path, asked = tmp_path / "home/.docker/config.json", tmp_path / "asked"
    path.parent.mkdir(parents=True)
    path.write_text('{"credsStore": "pass"}')
    helper(environ, "pass", f"cat >> {asked}; echo credentials not found; exit 1")

    assert UserFiles(environ).find(Address("docker.io"), "library/python") is None
    assert asked.read_text() == "https://index.docker.io/v1/"


def test_a_credential_program_may_give_an_identity_token(environ, tmp_path):
    """Its user is ``<token>``."""
    path = tmp_path / "home/.docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"credsStore": "pass"}')
    helper(environ, "pass", """printf '{"Username": "<token>", "Secret": "s"}'""")

    assert user(environ) == IdentityToken("s")


@pytest.mark.parametrize(
    "body",
    ["echo credentials not found in native keychain; exit 1", "exit 3", "echo nonsense", "printf '{}'", None],
)
def test_a_program_without_an_answer_leaves_the_file(environ, tmp_path, body, caplog):
    """It may be missing where the configuration was copied to; a failure is logged, no secret is."""
    path = tmp_path / "home/.docker/config.json"
    write(path, _="in the file")
    path.write_text(json.dumps({**json.loads(path.read_text()), "credsStore": "pass"}))
    if body is not None:
        helper(environ, "pass", body)

    assert user(environ) == "in the file"
    is_failure = body is None or "not found" not in body
    assert ("docker-credential-pass" in caplog.text) == is_failure


def test_a_file_that_cannot_be_read_is_told(environ, tmp_path):
    """A broken file is not passed over: it may be why a push is refused."""
    path = tmp_path / "home/.docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")

    with pytest.raises(RegistryError, match=r"config\.json' is no JSON"):
        user(environ)
