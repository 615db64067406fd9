"""Prefixes in the store: conda packages as they will lie in an image.

    <store>/prefixes/<key>/     one prefix, complete as soon as it is there

The key says what is in it and where it will be. Like blobs, prefixes are not believed: whoever asks for one
gets its files hashed anew, and a damaged one is laid out again.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lading.conda.contents import Content, require_inside
from lading.conda.distributions import distributions
from lading.conda.failures import not_laid_out
from lading.conda.normalise import normalise
from lading.conda.packages import PackageFetcher
from lading.conda.rattler import Rattler, RattlerFailed
from lading.conda.target import subdir
from lading.digest import Digest
from lading.environment import InstalledPackage, Platform
from lading.layer import FolderLayer
from lading.lock import CondaPackage, Lock
from lading.progress import Progress
from lading.store import Store, store_errors

TRANSFORM = 1
"""Counted up when the same packages give other bytes."""

_ENTRY = "prefixes"


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Lays out conda packages, once each."""

    store: Store
    progress: Progress
    rattler: Rattler
    fetcher: PackageFetcher

    def lay_out(self, lock: Lock, target: str) -> FolderLayer | None:
        """Return the prefix of *lock* for *target*, without what its wheels replace; None where it has none.

        Raises:
            BuildFailed: a package is broken, or writes outside of its prefix.
            LadingError: a package cannot be had.
        """
        if not lock.conda:
            return None
        prefix = self.of_packages(lock.conda, lock.platform, target)
        named = {package.name for package in lock.packages}
        replaced = frozenset(each.name for each in distributions(prefix.source) if each.name in named)
        return self.of_packages(lock.conda, lock.platform, target, replaced) if replaced else prefix

    def distributions(
        self, packages: tuple[CondaPackage, ...], platform: Platform, target: str
    ) -> tuple[InstalledPackage, ...]:
        """Return the Python distributions that *packages* bring."""
        return distributions(self.of_packages(packages, platform, target).source)

    def of_packages(
        self,
        packages: tuple[CondaPackage, ...],
        platform: Platform,
        target: str,
        replaced: frozenset[str] = frozenset(),
    ) -> FolderLayer:
        """Return the prefix of *packages* for *target*, without the distributions that are *replaced*."""
        facts = [TRANSFORM, target, str(platform), [str(each.digest) for each in packages], sorted(replaced)]
        key = Digest.of(json.dumps(facts).encode()).hex[:32]
        folder = self.store.root / "prefixes" / key
        with self.store.exclusive(f"prefix-{key}", on_wait=self._waits):
            found = self._found(folder, key, target)
            if found is not None:
                return found
            with self.progress.step("lay out conda packages"), store_errors("write", folder):
                self._lay_out(packages, platform, folder, target, replaced)
            layer = FolderLayer.scan(folder, target)
            self.store.write_entry(_ENTRY, key, str(layer.digest).encode())
            return layer

    def _found(self, folder: Path, key: str, target: str) -> FolderLayer | None:
        known = self.store.read_entry(_ENTRY, key)
        if known is None or not folder.is_dir():
            return None
        layer = FolderLayer.scan(folder, target)
        if str(layer.digest).encode() != known:
            return None
        os.utime(folder)  # `lading cache prune` looks when it was used
        return layer

    def _waits(self) -> None:
        self.progress.line("waiting for another build that lays out the same conda packages")

    def _lay_out(
        self,
        packages: tuple[CondaPackage, ...],
        platform: Platform,
        folder: Path,
        target: str,
        replaced: frozenset[str],
    ) -> None:
        files = self.fetcher.fetch(packages)
        with self.store.temporary_folder() as temporary:
            prefix = temporary / "prefix"
            self._install(packages, files, prefix, target, subdir(platform))
            normalise(prefix, packages, target, replaced)
            shutil.rmtree(folder, ignore_errors=True)  # a damaged one
            folder.parent.mkdir(parents=True, exist_ok=True)
            prefix.replace(folder)

    def _install(
        self,
        packages: Iterable[CondaPackage],
        files: tuple[Path, ...],
        prefix: Path,
        target: str,
        subdir: str,
    ) -> None:
        pinned = [
            {"path": str(file), "sha256": package.digest.hex}
            for package, file in zip(packages, files, strict=True)
        ]
        question = {
            "packages": pinned,
            "prefix": str(prefix),
            "target": target,
            "subdir": subdir,
            "cache": str(prefix.parent / "extracted"),
        }
        try:
            answers = self.rattler.ask("contents", {"packages": [str(file) for file in files]})
            pairs = zip(files, answers, strict=True)
            require_inside(Content.parse(file.name, answer) for file, answer in pairs)
            self.rattler.ask("lay_out", question)
        except RattlerFailed as error:
            raise not_laid_out(error) from error
