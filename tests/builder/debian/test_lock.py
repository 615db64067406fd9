"""Locks of bases."""

import pytest
from lading.debian.index import Package
from lading.debian.lock import BaseLock
from lading.debian.version import DebianVersion
from lading.digest import Digest
from lading.errors import ArchiveError

PACKAGE = Package("libc6", DebianVersion("2.36-9"), "debian", "pool/libc6.deb", Digest.of(b"x"), 17)
LOCK = BaseLock("bookworm", "amd64", (("bookworm", "Sat, 11 Jul 2026 10:16:37 UTC"),), (PACKAGE,), (PACKAGE,))


def test_a_lock_comes_back_as_it_was_written():
    """What counts for the bytes of a base is all there."""
    assert BaseLock.parse(LOCK.encode()) == LOCK
    assert LOCK.packages == (PACKAGE, PACKAGE)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", LOCK.encode().replace(b'"format": 1', b'"format": 2')])
def test_what_is_no_lock_is_refused(data):
    """A later version's lock, too."""
    with pytest.raises(ArchiveError, match="lock of a Debian base cannot be read"):
        BaseLock.parse(data)
