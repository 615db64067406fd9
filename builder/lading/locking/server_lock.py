"""What the lock of the server's environment consists of; imported where none is kept."""

from pathlib import Path

from packaging.utils import parse_wheel_filename

from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.errors import UnlockableEnvironment
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking import pylock


def released(text: str, python: PythonMinor, platform: Platform) -> Lock:
    """Return what *text*, the lock that the runtime brings, says for a target.

    Raises:
        UnlockableEnvironment: the server does not run there.
    """
    try:
        return pylock.read(text, python, platform)
    except UnlockableEnvironment as error:
        raise UnlockableEnvironment(
            f"the server does not run on Python {python} on {platform}",
            hint="it needs Python 3.9 or later",
        ) from error


def with_runtime(lock: Lock, wheel: Path, digest: Digest) -> Lock:
    """Return *lock* with the runtime's own *wheel*, which has this digest."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    source = WheelSource(wheel.name, wheel.as_uri(), digest, wheel.stat().st_size)
    packages = (*lock.packages, LockedPackage(name, str(version), source))
    return pylock.read(pylock.render(lock.python, lock.platform, packages), lock.python, lock.platform)
