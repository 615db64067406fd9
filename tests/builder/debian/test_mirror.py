"""Which mirror counts."""

import pytest
from lading.debian.apt import AptConfiguration
from lading.debian.mirror import Mirror
from lading.errors import InvalidOption

APT = AptConfiguration("http://own.example.org/debian", "http://own.example.org/debian-security")
NOTHING = AptConfiguration()


def addresses(environ, apt=NOTHING):
    """Return both addresses."""
    return tuple(Mirror.find(environ, apt).addresses.values())


def test_without_anything_it_is_debians_own():
    """The same address as in every Debian image."""
    assert addresses({}) == ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")


def test_a_debian_host_uses_its_own_mirrors():
    """What reaches the archive for apt reaches it for Lading."""
    assert addresses({}, APT) == (APT.archive, APT.security)


def test_a_given_mirror_comes_first():
    """The security archive is beside it, unless it is named."""
    environ = {"LADING_DEBIAN_MIRROR": "https://mirror.example.org/debian/"}

    assert addresses(environ, APT) == (
        "https://mirror.example.org/debian",
        "https://mirror.example.org/debian-security",
    )
    environ["LADING_DEBIAN_SECURITY_MIRROR"] = "http://other.example.org/security"
    assert addresses(environ, APT)[1] == "http://other.example.org/security"


def test_what_is_no_address_is_refused():
    """A variable is named by its name."""
    with pytest.raises(InvalidOption, match="LADING_DEBIAN_MIRROR is no http or https address"):
        Mirror.find({"LADING_DEBIAN_MIRROR": "/srv/debian"}, NOTHING)


def test_a_path_is_below_its_archive():
    """Packages are found by archive and path."""
    mirror = Mirror.find({}, NOTHING)

    assert mirror.url("debian-security", "pool/x.deb") == "http://deb.debian.org/debian-security/pool/x.deb"
