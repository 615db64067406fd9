"""The lock as a value."""

import dataclasses

from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.lock import Lock


def test_the_text_names_the_environment():
    """The digest of a lock is that of its text, so that equal texts are the same environment."""
    lock = Lock(PythonMinor(3, 11), Platform("linux", "amd64"), (), "lock-version = '1.0'\n")

    assert lock.digest == Digest.of(b"lock-version = '1.0'\n")
    assert dataclasses.replace(lock, pylock="").digest != lock.digest
