"""Who does each step of a command, with the options that the user gave."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.build import Steps
from lading.cli.options import ProgressMode
from lading.cli.progress import shown
from lading.engines.buildkit import BuildKitBuilder
from lading.engines.buildx import find_buildx
from lading.engines.classic import ClassicBuilder
from lading.engines.docker import DockerEngine, ImageBuilder
from lading.engines.find import connect
from lading.environment import PackageIndex
from lading.installer import Installer
from lading.locking.server import ServerLocker
from lading.locking.uv import UvLocker
from lading.models.fetch import fetch
from lading.models.tracking import TrackingSettings
from lading.progress import Progress, Timed
from lading.store import Store
from lading.wheels.fetch import WheelFetcher


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything that commands work with."""

    store: Store
    steps: Steps
    installer: Installer
    progress: Timed


@contextmanager
def workshop(mode: ProgressMode, index: PackageIndex, *, is_refreshed: bool = False) -> Iterator[Workshop]:
    """Give what commands work with; what was downloaded for one command only is gone afterwards.

    Args:
        mode: how progress is shown.
        index: where the user wants packages from.
        is_refreshed: lock again what was locked before.
    """
    with downloads() as folder, shown(mode) as progress:
        yield make_workshop(folder, progress, index, is_refreshed=is_refreshed)


@contextmanager
def downloads() -> Iterator[Path]:
    """Give a folder for models that are elsewhere."""
    with tempfile.TemporaryDirectory(prefix="lading-") as folder:
        yield Path(folder)


def make_workshop(
    folder: Path, progress: Progress, index: PackageIndex, *, is_refreshed: bool = False
) -> Workshop:
    """Return what commands work with; models are downloaded into *folder*."""
    store = Store.default()
    timed = Timed(progress)
    locker = UvLocker(index, store, timed, is_refreshed)
    wheels = WheelFetcher(store, timed, index)
    settings = TrackingSettings.from_environment(os.environ, Path.cwd())
    steps = Steps(
        fetch=lambda ref: fetch(ref, into=folder, settings=settings, progress=timed),
        locker=locker,
        server=ServerLocker(store, locker, index),
        wheels=wheels,
        progress=timed,
    )
    return Workshop(store, steps, Installer(locker, wheels, store), timed)


def docker_engine(tools: Workshop, *, is_fresh: bool) -> DockerEngine:
    """Return the engine of this machine, building with BuildKit where that is at hand.

    Raises:
        EngineUnavailable: no engine answers.
    """
    found = connect()
    client, store, uv, progress = found.client, tools.store, tools.installer.uv, tools.progress
    builder: ImageBuilder = ClassicBuilder(client, store, uv, progress, is_fresh=is_fresh)
    buildx = find_buildx(found)
    if buildx is not None:
        builder = BuildKitBuilder(buildx, builder, client, store, uv, progress, is_fresh=is_fresh)
    return DockerEngine(client, store, builder, progress)
