"""Locks as they are kept in the store."""

from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.lock import Lock, LockedPackage, SourceArchive, WheelSource
from lading.locking.kept import dump, load


def test_what_is_kept_is_read_again():
    """Wheels, archives and checkouts come back as they were."""
    digest = Digest("a" * 64)
    packages = (
        LockedPackage("aa", "1.0", WheelSource("aa.whl", "https://host/aa.whl", digest, None)),
        LockedPackage("bb", "2.0", WheelSource("bb.whl", "file:bb.whl", digest, 7)),
        LockedPackage("cc", "3.0", SourceArchive("cc==3.0", "https://host/cc.tar.gz", digest)),
        LockedPackage("dd", None, SourceArchive("dd @ git+https://host/dd@1", "git+https://host/dd@1", None)),
    )
    lock = Lock(PythonMinor(3, 9), Platform("linux", "arm64"), packages, "text")

    assert load(dump(lock)) == lock
