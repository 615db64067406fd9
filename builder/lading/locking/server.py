"""The lock of the server's own environment, which every image with the same Python shares."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import parse_wheel_filename

from lading import assets
from lading.digest import Digest
from lading.environment import Environment, PackageIndex, Platform, PythonMinor
from lading.errors import UnlockableEnvironment
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking import kept, pylock
from lading.locking.locker import Locker
from lading.store import Store

_PYPI = ("pypi.org", "files.pythonhosted.org")


@dataclass(frozen=True, slots=True)
class ServerLocker:
    """Picks the server's environment from the lock that the runtime brings."""

    store: Store

    locker: Locker
    """Asked where the files are, when the user's packages come from another index than PyPI."""

    index: PackageIndex = field(default_factory=PackageIndex)

    def lock(self, python: PythonMinor, platform: Platform) -> Lock:
        """Return the lock of the server's environment, the runtime's own wheel included.

        The wheels are always those that the runtime was released with; another index only gives other
        URLs for them.

        Raises:
            UnlockableEnvironment: the server does not run on *python*, or the index lacks its wheels.
        """
        released = self._released(python, platform)
        if _is_elsewhere(self.index):
            released = self._located(released)
        wheel = assets.runtime_wheel(self.store)
        packages = (*released.packages, self._runtime(wheel))
        return pylock.read(pylock.render(python, platform, packages), python, platform)

    def _released(self, python: PythonMinor, platform: Platform) -> Lock:
        text = assets.runtime_lock()
        key = f"{Digest.of(text.encode())} {python} {platform}"
        value = self.store.read_entry("server-locks", key)
        if value is not None:
            return kept.load(value)
        try:
            lock = pylock.read(text, python, platform)
        except UnlockableEnvironment as error:
            raise UnlockableEnvironment(
                f"the server does not run on Python {python} on {platform}",
                hint="it needs Python 3.9 or later",
            ) from error
        self.store.write_entry("server-locks", key, kept.dump(lock))
        return lock

    def _located(self, released: Lock) -> Lock:
        """Return *released* with the URLs that its files have in the user's index."""
        pins = tuple(
            f"{package.name}=={package.version} --hash={package.source.digest}"
            for package in released.packages
        )
        return self.locker.lock(Environment(released.python, pins), released.platform)

    def _runtime(self, wheel: Path) -> LockedPackage:
        name, version, _, _ = parse_wheel_filename(wheel.name)
        source = WheelSource(wheel.name, wheel.as_uri(), self.store.add_file(wheel), wheel.stat().st_size)
        return LockedPackage(name, str(version), source)


def _is_elsewhere(index: PackageIndex, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether packages come from another index than PyPI."""
    default = index.index_url or environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    return not index.uses_index or (default is not None and urlsplit(default).hostname not in _PYPI)
