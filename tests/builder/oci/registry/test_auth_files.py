"""The credentials files of Docker and Podman."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.errors import RegistryError
from lading.oci.registry.auth_files import AuthFile
from lading.oci.registry.credentials import IdentityToken, Login, RegistryToken

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
ODD = st.dictionaries(
    st.sampled_from(["auths", "credHelpers", "credsStore"]),
    JSON
    | st.dictionaries(
        st.just("host"), JSON | st.dictionaries(st.sampled_from(["auth", "identitytoken", "username"]), JSON)
    ),
)


@given(st.text(max_size=20).filter(lambda text: ":" not in text and text), st.text(max_size=20))
def test_a_login_comes_out_as_docker_login_wrote_it(username, password):
    """Any name without a colon, any password; zero bytes behind it are padding."""
    auth = base64.b64encode(f"{username}:{password}".encode(errors="replace")).decode()
    file = AuthFile.parse(json.dumps({"auths": {"host:5000": {"auth": auth}}}), "a file")

    found = file.find("host:5000")

    plain = [text.encode(errors="replace").decode() for text in (username, password)]
    is_token = plain[0] == "<token>"
    assert found == (IdentityToken(plain[1]) if is_token else Login(plain[0], plain[1].rstrip("\0")))


@given(ODD)
def test_odd_members_are_no_credentials(members):
    """Whatever JSON is in a file, it is read, left out, or told as what cannot be read."""
    file = AuthFile("a file", members)

    with suppress(RegistryError):
        assert isinstance(file.find("host"), Login | IdentityToken | RegistryToken | None)
    assert isinstance(file.helper(["host"]), tuple | None)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_file_that_is_none_is_told_without_its_content(text):
    """It may hold secrets."""
    with pytest.raises(RegistryError, match=r"^a file is no JSON.*docker login"):
        AuthFile.parse(text, "a file")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, None),
        ({"identitytoken": "x"}, IdentityToken("x")),
        ({"auth": base64.b64encode(b"<token>:x").decode()}, IdentityToken("x")),
        ({"registrytoken": "x"}, RegistryToken("x")),
        ({"username": "u", "password": "p"}, Login("u", "p")),
        ({"auth": ""}, None),
        ({"auth": "dTp\r\nw\n"}, Login("u", "p")),
    ],
)
def test_forms_of_an_entry(entry, expected):
    """Names and passwords, tokens of two kinds, and the empty entry that a credential store leaves."""
    assert AuthFile("a file", {"auths": {"host": entry}}).find("host") == expected


@pytest.mark.parametrize("auth", ["hunter2!", "aHVudGVyMg==", "/w==", "aHVudGVyMg", 7])
def test_credentials_that_cannot_be_read_are_told(auth):
    """Neither as nobody is asked in their stead, nor are they printed; other hosts are not concerned."""
    file = AuthFile("a file", {"auths": {"host": {"auth": auth}}})

    with pytest.raises(
        RegistryError, match=r"^the credentials for 'host' in a file .*docker login host"
    ) as told:
        file.find("host")

    assert "unter2" not in str(told.value)
    assert file.find("other") is None


@pytest.mark.parametrize(
    "key",
    ["host:5000", "https://host:5000", "http://host:5000/", "https://host:5000/v2/", "https://HOST:5000/v1/"],
)
def test_keys_may_be_urls(key):
    """Old versions of Docker wrote those."""
    file = AuthFile("a file", {"auths": {key: {"username": "u", "password": "p"}}})

    assert file.find("host:5000") == Login("u", "p")


def test_secrets_are_not_printed():
    """Neither a file nor what is in it shows any."""
    file = AuthFile("a file", {"auths": {"host": {"username": "u", "password": "hunter2"}}})

    assert "hunter2" not in repr(file) + repr(file.find("host"))
