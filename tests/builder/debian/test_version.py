"""The order of Debian's versions, compared with dpkg's own."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lading.debian.version import DebianVersion

PARTS = st.text("0123456789~+.ab", min_size=1, max_size=6)
UPSTREAM = st.tuples(st.sampled_from("012"), PARTS).map("".join)
REVISIONS = st.one_of(st.just(""), PARTS.map("-{}".format))
EPOCHS = st.sampled_from(["", "0:", "1:"])
VERSIONS = st.tuples(EPOCHS, UPSTREAM, REVISIONS).map("".join)


def dpkg(left: str, relation: str, right: str) -> bool:
    """Return what dpkg says."""
    command = ["/usr/bin/dpkg", "--compare-versions", left, relation, right]
    return subprocess.run(command, check=False).returncode == 0


@settings(max_examples=60, deadline=None)
@given(VERSIONS, VERSIONS)
def test_any_two_versions_compare_as_in_dpkg(left, right):
    """Epochs, tildes, letters and missing revisions count as dpkg counts them."""
    a, b = DebianVersion(left), DebianVersion(right)

    assert (a < b, a == b) == (dpkg(left, "lt", right), dpkg(left, "eq", right))


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("2.36-9+deb12u7", "2.36-9+deb12u14"),
        ("1.0~rc1-1", "1.0-1"),
        ("9.9", "1:0.1"),
        ("3.11.2-6", "3.11.2-6+b1"),
        ("1.0a", "1.0+"),
    ],
)
def test_a_version_is_lower_than_its_successor(lower, higher):
    """Numbers compare by value, ``~`` comes before the end, epochs first, letters before signs."""
    assert DebianVersion(lower) < DebianVersion(higher)
    assert max(DebianVersion(higher), DebianVersion(lower)).text == higher


def test_equal_versions_may_be_written_differently():
    """A missing revision is zero; equal versions hash alike, and no text is a version."""
    assert DebianVersion("0:1.0") == DebianVersion("1.0-0")
    assert hash(DebianVersion("0:1.0")) == hash(DebianVersion("1.0-0"))
    assert DebianVersion("1.0") != "1.0"
    assert str(DebianVersion("0:1.0")) == "0:1.0"
