"""Releases of suites."""

from datetime import UTC, datetime

import pytest
from lading.debian.release import Release
from lading.digest import Digest
from lading.errors import ArchiveError

TEXT = f"""Codename: bookworm-security
Date: Sat, 21 Nov 2026 00:53:02 UTC
Valid-Until: Sat, 28 Nov 2026 00:53:02 UTC
Acquire-By-Hash: yes
MD5Sum:
 0 17 main/binary-amd64/Packages.xz
SHA256:
 {Digest.of(b"x").hex}  17 main/binary-amd64/Packages.xz
"""


def test_a_release_says_what_it_consists_of():
    """Only digests that are still strong count."""
    release = Release.parse(TEXT, "InRelease")

    assert release.codename == "bookworm-security"
    assert release.has_by_hash
    assert release.valid_until == datetime(2026, 11, 28, 0, 53, 2, tzinfo=UTC)
    listed = release.files["main/binary-amd64/Packages.xz"]
    assert (listed.digest, listed.size_bytes) == (Digest.of(b"x"), 17)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Codename", "Name"),
        ("SHA256", "SHA1"),
        ("Sat, 28 Nov 2026", "soon"),
        ("  17 ", "  many "),
    ],
)
def test_what_cannot_be_read_is_an_error(before, after):
    """Nothing that counts is guessed."""
    with pytest.raises(ArchiveError, match="InRelease cannot be read"):
        Release.parse(TEXT.replace(before, after), "InRelease")


def test_a_time_without_its_zone_is_utc():
    """As Debian's are."""
    release = Release.parse(TEXT.replace(" UTC\nAcquire", "\nAcquire"), "InRelease")

    assert release.valid_until == datetime(2026, 11, 28, 0, 53, 2, tzinfo=UTC)
