"""The lock of the server's own environment, which every image with the same Python shares."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from lading import assets
from lading.digest import Digest
from lading.environment import Environment, PackageIndex, Platform, PythonMinor
from lading.lock import Lock
from lading.locking import kept
from lading.locking.locker import Locker
from lading.store import Store

_PYPI = ("pypi.org", "files.pythonhosted.org")


class Making(Protocol):
    """A module that makes locks of what the runtime brings."""

    def released(self, text: str, python: PythonMinor, platform: Platform) -> Lock:
        """Return what the lock that the runtime brings says for a target."""
        ...

    def with_runtime(self, lock: Lock, wheel: Path, digest: Digest) -> Lock:
        """Return *lock* with the runtime's own *wheel*, which has this digest."""
        ...


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
        text, wheel = assets.runtime_lock(), assets.runtime_wheel(self.store)
        digest = self._brought(wheel)
        target = f"{Digest.of(text.encode())} {python} {platform}"
        if _is_elsewhere(self.index):
            released = self._kept(target, lambda: _making().released(text, python, platform))
            return _making().with_runtime(self._located(released), wheel, digest)
        return self._kept(
            f"{target} {wheel.name} {digest}",
            lambda: _making().with_runtime(_making().released(text, python, platform), wheel, digest),
        )

    def _brought(self, wheel: Path) -> Digest:
        """Return the digest of the runtime's wheel, which is in the store from now on."""
        digest = Digest.of_file(wheel)
        if self.store.find(digest) is None:
            self.store.add_file(wheel, digest)
        return digest

    def _kept(self, key: str, make: Callable[[], Lock]) -> Lock:
        """Return the lock that was made for *key* before, or *make* it."""
        value = self.store.read_entry("server-locks", key)
        if value is not None:
            return kept.load(value)
        lock = make()
        self.store.write_entry("server-locks", key, kept.dump(lock))
        return lock

    def _located(self, released: Lock) -> Lock:
        """Return *released* with the URLs that its files have in the user's index."""
        pins = tuple(
            f"{package.name}=={package.version} --hash={package.source.digest}"
            for package in released.packages
        )
        return self.locker.lock(Environment(released.python, pins), released.platform)


def _making() -> Making:
    # what reads locks of other tools takes a while to import, and most builds have this one
    return cast("Making", import_module("lading.locking.server_lock"))


def _is_elsewhere(index: PackageIndex, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether packages come from another index than PyPI."""
    default = index.index_url or environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    return not index.uses_index or (default is not None and urlsplit(default).hostname not in _PYPI)
