"""Whose name and password a package host is given."""

import pytest
from lading.environment import PackageIndex
from lading.wheels.credentials import find_login

NOBODY = {"NETRC": "/nonexistent", "PATH": ""}


def test_the_index_url_has_the_login():
    """User name and password in an index URL count for all of its host, percent-decoded."""
    index = PackageIndex(index_url="https://ada:p%40ss@host.example/simple")

    assert find_login("https://host.example/files/a.whl", index, NOBODY) == ("ada", "p@ss")


@pytest.mark.parametrize(
    "url", ["https://other.example/a.whl", "http://host.example/a.whl", "https://host.example:8443/a.whl"]
)
def test_no_other_host_gets_it(url):
    """Another host, scheme or port gets no credentials."""
    index = PackageIndex(index_url="https://ada:secret@host.example/simple")

    assert find_login(url, index, NOBODY) is None


@pytest.mark.parametrize("variable", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"])
def test_uv_variables_have_the_login(variable):
    """An index URL in one of uv's variables counts too, also a named one."""
    environ = {**NOBODY, variable: "mine=https://ada:secret@host.example/simple"}

    assert find_login("https://host.example/a.whl", PackageIndex(), environ) == ("ada", "secret")


def test_netrc_comes_last(tmp_path):
    """The file netrc is asked where no URL has a login; without an entry there is none."""
    (tmp_path / "netrc").write_text("machine host.example login ada password secret\n")
    environ = {**NOBODY, "NETRC": str(tmp_path / "netrc")}

    assert find_login("https://host.example/a.whl", PackageIndex(), environ) == ("ada", "secret")
    assert find_login("https://other.example/a.whl", PackageIndex(), environ) is None


def test_a_broken_netrc_is_none(tmp_path):
    """A netrc that cannot be read is taken as if it were missing."""
    (tmp_path / "netrc").write_text("machine\n")

    assert find_login("https://host.example/a", PackageIndex(), {"NETRC": str(tmp_path / "netrc")}) is None


def test_keyring_completes_a_user_name(tmp_path):
    """A user name without password is looked up with the keyring program, where uv would."""
    program = tmp_path / "keyring"
    program.write_text('#!/bin/sh\n[ "$2" = host.example ] && [ "$3" = ada ] && echo from-keyring\n')
    program.chmod(0o755)
    index = PackageIndex(index_url="https://ada@host.example/simple")
    environ = {"NETRC": "/nonexistent", "PATH": str(tmp_path), "UV_KEYRING_PROVIDER": "subprocess"}

    assert find_login("https://host.example/a.whl", index, environ) == ("ada", "from-keyring")
    assert find_login("https://host.example/a.whl", index, {**environ, "UV_KEYRING_PROVIDER": ""}) == (
        "ada",
        "",
    )
