"""What tests of conda packages share."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lading.conda.packages import PackageFetcher
from lading.conda.prefixes import Prefixes
from lading.conda.rattler import Rattler
from lading.digest import Digest
from lading.environment import Platform
from lading.layer import FolderLayer
from lading.lock import CondaPackage
from lading.progress import Silent
from lading.store import Store

from tests.builder.conda.channel import Channel, Package

LINUX = Platform("linux", "amd64")


@dataclass(frozen=True)
class Workbench:
    """Lays out packages that nobody solved."""

    folder: Path
    store: Store

    @property
    def prefixes(self) -> Prefixes:
        """Who lays out."""
        rattler = Rattler()
        return Prefixes(self.store, Silent(), rattler, PackageFetcher(self.store, Silent(), rattler))

    def lay_out(
        self, *packages: Package, platform: Platform = LINUX, **options: frozenset[str]
    ) -> FolderLayer:
        """Return the prefix of *packages* for ``/opt/env``."""
        locked = tuple(sorted(map(self.locked, packages)))
        return self.prefixes.of_packages(locked, platform, "/opt/env", **options)

    def locked(self, package: Package) -> CondaPackage:
        """Make *package*; return what a lock says of it."""
        file = package.write(self.folder / package.subdir)
        return CondaPackage(
            name=package.name,
            version=package.version,
            build=package.build,
            subdir=package.subdir,
            url=file.as_uri(),
            digest=Digest.of_file(file),
            size_bytes=file.stat().st_size,
        )

    def elsewhere(self, root: Path) -> "Workbench":
        """Return another machine's."""
        return replace(self, store=Store(root))


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """Packages and a store of this test's own."""
    return Workbench(tmp_path / "packages", Store(tmp_path / "store"))


@pytest.fixture
def channel(tmp_path) -> Channel:
    """A channel without packages."""
    return Channel(tmp_path / "channel")
