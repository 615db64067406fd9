"""What apt is configured to do."""

import pytest
from lading.debian.apt import AptConfiguration, _proxies

DEB822 = """\
# the archive
Types: deb
URIs: http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def root(tmp_path):
    """A Debian system's root."""
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nID=debian\n')
    return tmp_path


def test_sources_in_paragraphs_are_read(root):
    """The archives of the release and of its security suite may be at different places."""
    (root / "etc/apt/sources.list.d/debian.sources").write_text(DEB822)

    found = AptConfiguration.read(root)

    assert found.archive == "http://mirror.example.org/debian"
    assert found.security == "https://mirror.example.org/debian-security"


def test_sources_in_lines_are_read(root):
    """Options, comments and the old name of the security suite are understood; the first source counts."""
    lines = [
        "# deb http://commented.example.org/debian bookworm main",
        "deb [signed-by=/x.gpg arch=amd64] http://first.example.org/debian bookworm main",
        "deb http://second.example.org/debian bookworm main",
        "deb http://first.example.org/debian-security buster/updates main",
        "deb-src http://source.example.org/debian bookworm main",
    ]
    (root / "etc/apt/sources.list").write_text("\n".join(lines))

    found = AptConfiguration.read(root)

    assert found.archive == "http://first.example.org/debian"
    assert found.security == "http://first.example.org/debian-security"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Types: deb", "Types: deb-src"),
        ("Types: deb", "Types: deb\nEnabled: no"),
        ("http://mirror.example.org/debian/", "http://mirror.example.org/ubuntu"),
        ("http://mirror.example.org/debian/", "file:///srv/debian"),
        ("main contrib", "contrib"),
    ],
)
def test_other_sources_do_not_count(root, before, after):
    """Sources that are disabled, of another publisher, or not on the network are left out."""
    (root / "etc/apt/sources.list.d/debian.sources").write_text(DEB822.replace(before, after, 1))

    assert AptConfiguration.read(root).archive is None


def test_a_child_of_debian_is_no_debian(root):
    """Its mirrors have other packages."""
    (root / "etc/apt/sources.list.d/debian.sources").write_text(DEB822)
    (root / "etc/os-release").write_text("ID=ubuntu\nID_LIKE=debian\n")

    assert AptConfiguration.read(root) == AptConfiguration()


def test_a_system_without_apt_has_no_mirrors(tmp_path):
    """Nothing is configured where nothing is."""
    assert AptConfiguration.read(tmp_path) == AptConfiguration()


def test_proxies_are_what_apt_config_says(tmp_path, monkeypatch):
    """Proxies for all hosts and for single ones, and those switched off."""
    program = tmp_path / "apt-config"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'Acquire::http::Proxy \"http://proxy.example.org:3128\";'\n"
        "echo 'Acquire::http::Proxy::direct.example.org \"DIRECT\";'\n"
        "echo 'Acquire::https::Proxy \"\";'\n"
        "echo 'Acquire::http::Pipeline-Depth \"0\";'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _proxies() == {
        "http": "http://proxy.example.org:3128",
        "http://direct.example.org": "DIRECT",
    }


def test_without_apt_config_there_are_no_proxies(monkeypatch):
    """Those of the environment count then."""
    monkeypatch.setenv("PATH", "")

    assert _proxies() == {}
