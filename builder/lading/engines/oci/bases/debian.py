"""The embedded default: a base out of Debian's signed packages, where no registry answers.

``debian:bookworm`` is Debian's packages as Debian made them, unpacked in Python: no root, no dpkg, no
registry. What was found in the archive is kept as a lock in the store: the same name is the same bytes
until somebody asks for what is new.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module

from lading.debian.layers import BaseLayers, PackageSource
from lading.debian.lock import CHOICE, FORMAT, BaseLock
from lading.debian.missing import Missing
from lading.debian.user import USER_ID
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.names import ways_out
from lading.environment import Platform, PythonMinor
from lading.errors import ArchiveError, BuildFailed, InvalidReference
from lading.oci.config import CREATED, Config
from lading.oci.image import Image, Layer
from lading.progress import Progress
from lading.store import Store
from lading.uv_process import version

logger = logging.getLogger(__name__)

_NAME = re.compile(r"debian:([a-z]+)(?:\+(uv|host))?")
_KIND = "debian-lock"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VARIANTS = {"arm64": "v8"}


@dataclass(frozen=True, slots=True)
class DebianBases:
    """Bases that Lading assembles itself."""

    store: Store
    progress: Progress

    is_offline: bool = False
    """Whether only the store is asked."""

    is_fresh: bool = False
    """Whether the archive is asked for newer packages than those that were used before."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base called *name*: ``debian:bookworm``, or with another Python than Debian's.

        ``debian:bookworm+uv`` has the CPython that uv installs, ``debian:bookworm+host`` this machine's.

        Raises:
            InvalidReference: *name* is no name of such a base.
            BuildFailed: there is no such suite, or it has not this Python.
            UntrustedArchive: the archive's release is not signed by Debian, or has expired.
            DigestMismatch: the archive gives what Debian did not sign.
            ArchiveError: the archive cannot be reached, or answers nonsense.
            StoreError: the disk is full, or the store cannot be written.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise InvalidReference(f"no name of a Debian base: {name!r}", hint="such as debian:bookworm")
        suite, source = match.groups()
        make = partial(self._make, platform=platform, python=python, source=source)
        layers = self._layers(suite, platform.architecture, None if source else python, make)
        image = _image(platform, layers)
        folder = "/usr/local/bin" if source else "/usr/bin"
        return Base(name, image, f"{folder}/python{python}", image.descriptor.digest)

    def _make(
        self, lock: BaseLock, platform: Platform, python: PythonMinor, source: str | None
    ) -> tuple[Layer, ...]:
        """Return the layers of the packages in *lock*, and of the Python from *source*."""
        maker = BaseLayers(self.store, self.progress, self._open)
        if source is None:
            return maker.layers(lock, f"python{python}")
        foreign = import_module("lading.engines.oci.bases.foreign_python")
        if source == "host":
            return maker.layers_with(lock, partial(foreign.host_python, python), None)
        # what uv carries needs no libraries but those of the system
        recipe = None if self.is_fresh else f"uv {python} {version()}"
        opened = partial(foreign.uv_python, python, platform, self.store)
        return maker.layers_with(lock.without_python(), opened, recipe)

    def _layers(
        self,
        suite: str,
        architecture: str,
        python: PythonMinor | None,
        make: Callable[[BaseLock], tuple[Layer, ...]],
    ) -> tuple[Layer, ...]:
        """Return what *make* makes of the packages of last time, or where that cannot be, of today's."""
        key = f"{FORMAT} {CHOICE} {suite} {architecture} {python}"
        kept = None if self.is_fresh else self.store.read_entry(_KIND, key)
        if kept is not None:
            try:
                return make(BaseLock.parse(kept))
            except Missing as error:  # Debian removes what was superseded
                logger.info("packages are gone", extra={"reason": error.message})
        lock = self._lock(suite, architecture, python)
        self.store.write_entry(_KIND, key, lock.encode())
        return make(lock)

    def _lock(self, suite: str, architecture: str, python: PythonMinor | None) -> BaseLock:
        """Return the packages of today."""
        try:
            with self._open() as archive:
                lock: BaseLock = import_module("lading.debian.locking").lock_base(
                    archive, suite, architecture, python
                )
                return lock
        except BuildFailed as error:
            raise _with_ways_out(error, suite, python) from error

    @contextmanager
    def _open(self) -> Iterator[PackageSource]:
        if self.is_offline:
            raise ArchiveError(
                "packages of the Debian base are not in the store",
                hint="build once without --offline, or give a base that is on this machine",
            )
        # What speaks HTTP takes a while to import, and most builds have all packages.
        open_archive = import_module("lading.debian.archive").open_archive
        with open_archive(self.store, self.progress, self.environ) as archive:
            yield archive


def _with_ways_out(error: BuildFailed, suite: str, python: PythonMinor | None) -> BuildFailed:
    """Return *error* with what a user can do whose model needs another Python."""
    if error.hint or python is None:
        return error
    return BuildFailed(error.message, hint=ways_out(python, suite))


def _image(platform: Platform, layers: tuple[Layer, ...]) -> Image:
    variant = _VARIANTS.get(platform.architecture)
    members = {
        "architecture": platform.architecture,
        "os": platform.os,
        "created": CREATED,
        "config": {"Env": [f"PATH={_PATH}", "LANG=C.UTF-8"], "User": str(USER_ID), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": []},
        **({"variant": variant} if variant else {}),
    }
    return Image(Config(members), ()).with_layers(layers)
