"""Who does the steps that conda has a part in; imported for an environment in which it has one."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from lading.environment import Environment, Platform
from lading.layer import FolderLayer
from lading.lock import Lock
from lading.locking.locker import Locker
from lading.progress import Progress
from lading.store import Store

if TYPE_CHECKING:
    from lading.conda.packages import PackageFetcher
    from lading.conda.prefixes import Prefixes
    from lading.conda.rattler import Rattler


@dataclass(frozen=True)
class CondaSteps:
    """Locks and lays out; what is not conda's is locked by another locker."""

    pip: Locker
    store: Store
    progress: Progress
    is_refreshed: bool
    is_offline: bool

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return exact versions and hashes of everything that *environment* needs (see `Locker.lock`)."""
        if environment.conda is None:
            return self.pip.lock(environment, platform)
        make = import_module("lading.locking.conda").CondaLocker
        locker: Locker = make(
            self.pip, self.store, self._rattler, self._fetcher, self._prefixes, self.is_refreshed
        )
        return locker.lock(environment, platform)

    def lay_out(self, lock: Lock, target: str) -> FolderLayer | None:
        """Return the conda packages of *lock* as they will lie at *target*; None where it has none."""
        return self._prefixes.lay_out(lock, target) if lock.conda else None

    @cached_property
    def _rattler(self) -> "Rattler":
        rattler: Rattler = import_module("lading.conda.rattler").Rattler(is_offline=self.is_offline)
        return rattler

    @cached_property
    def _fetcher(self) -> "PackageFetcher":
        make = import_module("lading.conda.packages").PackageFetcher
        fetcher: PackageFetcher = make(self.store, self.progress, self._rattler)
        return fetcher

    @cached_property
    def _prefixes(self) -> "Prefixes":
        make = import_module("lading.conda.prefixes").Prefixes
        prefixes: Prefixes = make(self.store, self.progress, self._rattler, self._fetcher)
        return prefixes
