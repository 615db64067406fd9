"""Who does the steps that conda has a part in."""

from lading.conda.packages import PackageFetcher
from lading.conda.prefixes import Prefixes
from lading.conda.rattler import Rattler
from lading.locking.conda import CondaLocker
from lading.locking.locker import Locker
from lading.progress import Progress
from lading.store import Store


def conda_steps(
    pip: Locker, store: Store, progress: Progress, *, is_refreshed: bool, is_offline: bool
) -> tuple[CondaLocker, Prefixes]:
    """Return who locks and who lays out; *pip* locks what is not conda's."""
    rattler = Rattler(is_offline=is_offline)
    fetcher = PackageFetcher(store, progress, rattler)
    prefixes = Prefixes(store, progress, rattler, fetcher)
    return CondaLocker(pip, store, rattler, fetcher, prefixes, is_refreshed), prefixes
