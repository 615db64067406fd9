"""uv as a process: what it is told, and what is never told."""

import importlib.metadata

import pytest
import uv
from hypothesis import given
from hypothesis import strategies as st
from lading.environment import PackageIndex
from lading.uv_process import (
    Uv,
    UvFailed,
    absolute,
    configuration,
    public_url,
    uv_environ,
    version,
    without_credentials,
)


def test_the_users_indexes_come_first():
    """What the user gave stands before what the environment variables say."""
    index = PackageIndex("https://a/simple", ("https://b", "https://c"), ("https://d",), trusted_hosts=("h",))
    environ = {
        "UV_INDEX": "https://e",
        "UV_FIND_LINKS": "/f",
        "UV_INDEX_URL": "https://g",
        "UV_INSECURE_HOST": "i",
    }

    variables = uv_environ(index, environ)
    assert variables["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert variables["UV_INDEX"] == "https://b https://c https://e"
    assert variables["UV_FIND_LINKS"] == "https://d,/f"
    assert variables["UV_INSECURE_HOST"] == "h i"
    assert "UV_INDEX_URL" not in variables


def test_without_an_index_uv_decides():
    """Where the user gave nothing, uv's own variables stay as they are."""
    environ = {"UV_INDEX_URL": "https://g", "HTTPS_PROXY": "http://proxy", "SSL_CERT_FILE": "/ca.pem"}

    assert uv_environ(PackageIndex(), environ) == environ


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS"])
def test_the_systems_certificates_count_unless_others_are_named(variable):
    """The system's store of certificates is used, unless a variable says otherwise."""
    assert uv_environ(PackageIndex(), {})["UV_SYSTEM_CERTS"] == "1"
    assert uv_environ(PackageIndex(), {variable: "mine"}) == {variable: "mine"}


def test_the_activated_environment_is_none_of_its_business():
    """The virtual environment in which Lading runs is hidden from uv."""
    assert "VIRTUAL_ENV" not in uv_environ(PackageIndex(), {"VIRTUAL_ENV": "/somewhere"})


def test_a_folder_with_a_comma_is_one_folder(tmp_path):
    """Paths become URLs, in which nothing separates."""
    assert absolute(str(tmp_path / "a b,c")) == f"{tmp_path.as_uri()}/a%20b%2Cc"
    assert absolute("https://host/a,b") == "https://host/a,b"


_userinfo = st.from_regex(r"[A-Za-z0-9%._~-]{1,12}(:[A-Za-z0-9%._~!-]{0,12})?", fullmatch=True)


@given(userinfo=_userinfo, scheme=st.sampled_from(["https", "http", "git+https"]))
def test_credentials_are_cut_out(userinfo, scheme):
    """No user name or password of a URL stays, in a URL alone or in a text."""
    url = f"{scheme}://{userinfo}@host.example/path?a=b#c"

    assert public_url(url) == f"{scheme}://host.example/path?a=b#c"
    assert (
        without_credentials(f"cannot fetch `{url}`") == f"cannot fetch `{scheme}://host.example/path?a=b#c`"
    )


def test_the_user_of_an_ssh_address_stays():
    """The git in git+ssh://git@host is no credential, and needed."""
    assert public_url("git+ssh://git@host/x.git@abc") == "git+ssh://git@host/x.git@abc"


def test_a_failure_has_no_credentials():
    """What uv says is passed on without credentials and without the temporary folder's name."""
    with pytest.raises(UvFailed) as caught:
        Uv().run("pip", "compile", "r.txt", files={"r.txt": "x @ https://ada:secret@127.0.0.1:9/x.txt\n"})

    assert "secret" not in caught.value.output
    assert "lading-" not in caught.value.output


def test_what_decides_a_resolution_is_known(tmp_path):
    """Version, settings and configuration files of uv are told apart; logins and caches are not."""
    (tmp_path / "uv").mkdir()
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "UV_PRERELEASE": "allow"}
    before = configuration(environ)

    assert (
        configuration({**environ, "UV_CACHE_DIR": "/x", "UV_INDEX_A_PASSWORD": "y", "HOME": "/z"}) == before
    )
    assert configuration({**environ, "UV_PRERELEASE": "disallow"}) != before
    (tmp_path / "uv" / "uv.toml").write_text("no-index = true\n")
    assert configuration(environ) != before


def test_uvs_version_is_what_its_metadata_says(tmp_path, monkeypatch):
    """Also where its folder does not tell."""
    installed = importlib.metadata.version("uv")
    assert version() == installed

    monkeypatch.setattr(uv, "__file__", str(tmp_path / "uv" / "__init__.py"))
    assert version() == installed


def test_options_of_the_requirements_are_handed_on():
    """What ``requirements.txt`` says of sources and pre-releases becomes options of uv."""
    index = PackageIndex(uses_index=False, allows_prereleases=True, no_binary=("a",), only_binary=(":all:",))

    assert Uv(index).index_arguments() == (
        "--no-index",
        "--prerelease=allow",
        "--no-binary=a",
        "--only-binary=:all:",
    )
