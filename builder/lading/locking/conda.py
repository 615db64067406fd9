"""Locks environments that conda's channels have a part in: first that part, then pip's on top of it.

Pip, run in a conda environment, keeps what conda has installed where that satisfies the requirements, and
replaces it where it does not. So does this: the pip part is locked for an environment that has what conda's
packages bring (`Environment.installed`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lading.conda.channels import Channels, public_url
from lading.conda.failures import not_solved
from lading.conda.packages import PackageFetcher
from lading.conda.prefixes import Prefixes
from lading.conda.rattler import Rattler, RattlerFailed
from lading.conda.target import subdir, virtual_packages
from lading.digest import Digest
from lading.environment import CondaSpecs, Environment, Platform, PythonMinor
from lading.errors import UnlockableEnvironment
from lading.lock import CondaPackage, Lock
from lading.locking import pylock
from lading.locking.locker import Locker
from lading.store import Store

_FORMAT = 1
"""Of what is kept in the store; counted up when the same specifications may give other packages."""

_ENTRY = "conda-locks"
_TARGET = "/opt/env"
"""Where the prefix is looked at: where images have it, so that it is laid out once."""


@dataclass(frozen=True, slots=True)
class CondaLocker:
    """Locks with rattler what is asked of conda, and all else with another locker."""

    pip: Locker
    store: Store
    rattler: Rattler
    fetcher: PackageFetcher
    prefixes: Prefixes
    is_refreshed: bool = False
    """Ask the channels again, though an answer is kept."""

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return exact versions and hashes of everything that *environment* needs on *platform*.

        Raises:
            UnlockableEnvironment: no set of packages satisfies it; says why.
            PackageIndexError: a channel cannot be reached or refuses.
            InvalidEnvironment: a specification or channel cannot be read, or rattler is not installed.
            LadingError: the pip part cannot be locked.
        """
        if environment.conda is None:
            return self.pip.lock(environment, platform)
        channels = Channels.of_user().urls(environment.conda.channels)
        packages = self._packages(environment.conda, channels, platform)
        self.fetcher.fetch(packages, channels)
        brought = self.prefixes.distributions(packages, platform, _TARGET)
        on_top = replace(environment, python=python_of(packages), conda=None, installed=brought)
        lock = self.pip.lock(on_top, platform)
        text = pylock.render(lock.python, platform, lock.packages, packages)
        return pylock.read(text, lock.python, platform)

    def _packages(
        self, conda: CondaSpecs, channels: tuple[str, ...], platform: Platform
    ) -> tuple[CondaPackage, ...]:
        virtual = virtual_packages(platform)
        public = [*map(public_url, channels)]
        key = json.dumps([_FORMAT, public, conda.specs, str(platform), virtual, [*_stamps(channels)]])
        value = None if self.is_refreshed else self.store.read_entry(_ENTRY, key)
        if value is not None:
            kept = tuple(map(_read, json.loads(value)))
            if all(map(self._is_at_hand, kept)):
                return kept
        question = {
            "channels": channels,
            "specs": conda.specs,
            "subdir": subdir(platform),
            "virtual_packages": virtual,
            "cache": str(self.store.root / "repodata"),
        }
        try:
            answer = self.rattler.ask("solve", question)
        except RattlerFailed as error:
            raise not_solved(error, channels) from error
        packages = tuple(sorted(map(_read, answer)))
        python_of(packages)
        self.store.write_entry(_ENTRY, key, json.dumps([*map(_facts, packages)]).encode())
        return packages

    def _is_at_hand(self, package: CondaPackage) -> bool:
        """Say whether a package of a local channel is still in the store or in its channel."""
        is_local = package.url.startswith("file:")
        path = Path(unquote(urlsplit(package.url).path))
        return not is_local or path.is_file() or self.store.path(package.digest).exists()


def python_of(packages: Iterable[CondaPackage]) -> PythonMinor:
    """Return the Python among *packages*.

    Raises:
        UnlockableEnvironment: there is none.
    """
    version = next((package.version for package in packages if package.name == "python"), None)
    if version is None:
        raise UnlockableEnvironment("conda.yaml asks for no Python", hint="add one, like python=3.11")
    return PythonMinor.parse(version)


def _stamps(channels: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of the indexes of local channels."""
    for channel in channels:
        if channel.startswith("file:"):
            for file in sorted(Path(unquote(urlsplit(channel).path)).glob("*/repodata.json")):
                status = file.stat()
                yield file.parent.name, status.st_size, status.st_mtime_ns


def _read(facts: Mapping[str, Any]) -> CondaPackage:
    if not facts["sha256"]:
        raise UnlockableEnvironment(
            f"the channel has no SHA-256 digest for {facts['name']} {facts['version']}",
            hint="have the channel's index written anew",
        )
    return CondaPackage(
        name=facts["name"],
        version=facts["version"],
        build=facts["build"],
        subdir=facts["subdir"],
        url=public_url(facts["url"]),
        digest=Digest(facts["sha256"]),
        size_bytes=facts["size_bytes"],
    )


def _facts(package: CondaPackage) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "subdir": package.subdir,
        "url": package.url,
        "sha256": package.digest.hex,
        "size_bytes": package.size_bytes,
    }
