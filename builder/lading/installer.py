"""The uv that installs inside image builds: the wheel from PyPI for the image's platform, not this machine's.

It is locked by the version that Lading itself runs with, fetched with its hash like any other wheel, and
unpacked once per store.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.environment import Environment, Platform, PythonMinor
from lading.lock import Lock
from lading.locking.locker import Locker
from lading.store import Store
from lading.uv_process import version
from lading.wheels.fetch import WheelFetcher

_PYTHON = PythonMinor(3, 11)
"""uv's wheels are the same for every Python; one must be named to lock."""

_ENTRY = "unpacked-uv"


@dataclass(frozen=True, slots=True)
class Installer:
    """Gives uv as a program."""

    locker: Locker
    wheels: WheelFetcher
    store: Store

    def uv(self, platform: Platform) -> Path:
        """Return a file with the uv that runs on *platform*; it need not run here.

        Raises:
            UnlockableEnvironment: no index has this version of uv.
            WheelUnavailable: there is none for the platform.
        """
        environment = Environment(_PYTHON, requirements=(f"uv=={version()}",))
        lock = self.locker.lock(environment, platform)
        return self._known(lock) or self._unpack(lock)

    def _known(self, lock: Lock) -> Path | None:
        digest = self.store.read_entry(_ENTRY, str(lock.digest))
        return self.store.find(Digest.parse(digest.decode())) if digest is not None else None

    def _unpack(self, lock: Lock) -> Path:
        (wheel,) = self.wheels.fetch(lock)
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
            with archive.open(name) as program:
                digest = self.store.add(iter(lambda: program.read(1 << 20), b""))
        self.store.write_entry(_ENTRY, str(lock.digest), str(digest).encode())
        return self.store.path(digest)
