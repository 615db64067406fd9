"""Locks pip environments with ``uv pip compile``."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from lading.environment import Environment, PackageIndex, Platform
from lading.errors import UnlockableEnvironment
from lading.lock import Lock, LockedPackage
from lading.locking import kept
from lading.locking.target import FIRST_PATCH, Target
from lading.progress import Progress
from lading.store import Store
from lading.uv_process import configuration, without_credentials

_FORMAT = 1
"""Of what is kept in the store; counted up when the same requirements may give another lock."""


@dataclass(frozen=True, slots=True)
class UvLocker:
    """Locks with uv; the same question is asked of the network only once.

    A lock is kept in the store under everything that it depends on: requirements, constraints, target,
    indexes, uv's version and configuration, and the local files among the requirements. So a rebuild
    installs what the first build installed, even when an index has newer versions meanwhile.
    ``is_refreshed`` asks the indexes again and replaces what was kept.
    """

    index: PackageIndex
    """What the user gave; it comes before what the model's requirements say."""

    store: Store
    progress: Progress
    is_refreshed: bool = False

    is_offline: bool = False
    """Ask nobody: only what is kept counts."""

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return exact versions and hashes of everything that *environment* needs on *platform*.

        Raises:
            UnlockableEnvironment: no set of versions satisfies it; names the requirement that clashes.
            WheelUnavailable: a package has neither a wheel nor a source for the platform.
            PackageIndexError: an index cannot be reached or refuses.
            InvalidEnvironment: a requirement cannot be read.
        """
        index = merged(self.index, environment.index)
        key = _key(environment, platform, index)
        known = None if self.is_refreshed else self._known(key)
        if known is not None:
            return known
        if self.is_offline:
            raise UnlockableEnvironment(
                "no lock of this environment is kept here, and offline nobody is asked for one",
                hint="build once with a network, bring that store (lading cache export), or use --from-lock",
            )
        # what asks uv takes a while to import, and most builds are of an environment that was locked before
        resolve = import_module("lading.locking.resolving").resolve
        lock: Lock = resolve(environment, platform, index, self.store)
        self.store.write_entry("locks", key, kept.dump(lock))
        return lock

    def _known(self, key: str) -> Lock | None:
        value = self.store.read_entry("locks", key)
        lock = kept.load(value) if value is not None else None
        if lock is None or all(map(self._is_at_hand, lock.packages)):
            return lock
        return None

    def _is_at_hand(self, package: LockedPackage) -> bool:
        """Say whether a local file of *package*, which no index has, is still in the store."""
        digest = package.source.digest
        return digest is None or not package.is_local or self.store.path(digest).exists()


def merged(first: PackageIndex, second: PackageIndex) -> PackageIndex:
    """Return both indexes as one, in which *first* wins."""
    return PackageIndex(
        first.index_url or second.index_url,
        (*first.extra_index_urls, *second.extra_index_urls),
        (*first.find_links, *second.find_links),
        uses_index=first.uses_index and (second.uses_index or first.index_url is not None),
        trusted_hosts=(*first.trusted_hosts, *second.trusted_hosts),
        allows_prereleases=first.allows_prereleases or second.allows_prereleases,
        no_binary=(*first.no_binary, *second.no_binary),
        only_binary=(*first.only_binary, *second.only_binary),
    )


def _key(environment: Environment, platform: Platform, index: PackageIndex) -> str:
    """Return everything that a lock depends on, but for what the indexes have."""
    asked = dataclasses.replace(environment, index=index)
    parts = (
        _FORMAT,
        Target(environment.python, platform).glibc_minor,
        FIRST_PATCH,
        str(platform),
        asked,
        configuration(),
        *_stamps(environment, index),
    )
    return without_credentials(repr(parts))


def _stamps(environment: Environment, index: PackageIndex) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of the local files that packages may come from."""
    folders = (Path(place) for place in index.find_links if not urlsplit(place).scheme)
    files = (file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir()))
    for file in (*(wheel.path for wheel in environment.wheels), *files):
        status = file.stat()
        yield file.name, status.st_size, status.st_mtime_ns
