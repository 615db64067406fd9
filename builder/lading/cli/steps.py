"""Who does each step of a command, with the options that the user gave."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lading.build import Steps
from lading.cli.conda import CondaSteps
from lading.cli.options import ProgressMode
from lading.cli.progress import shown
from lading.environment import PackageIndex
from lading.installer import Installer
from lading.locking.server import ServerLocker
from lading.locking.uv import UvLocker
from lading.models.fetch import fetch
from lading.models.tracking import TrackingSettings
from lading.progress import Progress, Timed
from lading.store import Store
from lading.wheels.fetch import WheelFetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked of package indexes."""

    is_refreshed: bool = False
    """Lock again what was locked before."""

    is_offline: bool = False
    """Ask nobody."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything that commands work with."""

    store: Store
    steps: Steps
    installer: Installer
    progress: Timed


@contextmanager
def workshop(mode: ProgressMode, index: PackageIndex, asking: Asking = Asking()) -> Iterator[Workshop]:
    """Give what commands work with; what was downloaded for one command only is gone afterwards.

    Args:
        mode: how progress is shown.
        index: where the user wants packages from.
        asking: what is asked of the network.
    """
    with downloads() as folder, shown(mode) as progress:
        yield make_workshop(folder, progress, index, asking)


@contextmanager
def downloads() -> Iterator[Path]:
    """Give a folder for models that are elsewhere."""
    with tempfile.TemporaryDirectory(prefix="lading-") as folder:
        yield Path(folder)


def make_workshop(
    folder: Path, progress: Progress, index: PackageIndex, asking: Asking = Asking()
) -> Workshop:
    """Return what commands work with; models are downloaded into *folder*."""
    store = Store.default()
    timed = Timed(progress)
    locker = UvLocker(index, store, timed, asking.is_refreshed, asking.is_offline)
    wheels = WheelFetcher(store, timed, index, is_offline=asking.is_offline)
    settings = TrackingSettings.from_environment(os.environ, Path.cwd())
    conda = CondaSteps(locker, store, timed, asking.is_refreshed, asking.is_offline)
    steps = Steps(
        fetch=partial(fetch, into=folder, settings=settings, progress=timed),
        locker=conda,
        server=ServerLocker(store, locker, index),
        wheels=wheels,
        prefixes=conda,
        progress=timed,
    )
    return Workshop(store, steps, Installer(locker, wheels, store), timed)
