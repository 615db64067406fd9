"""Debian's archive: what a suite has, believed only as far as Debian's signature reaches.

``InRelease`` is signed and names the digests of the indexes; those name the digests of the packages. All
three suites of a release count: the main one, its updates and security.
"""

import lzma
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lading.debian.download import Downloader, open_client
from lading.debian.index import Package, PackageIndex
from lading.debian.mirror import ARCHIVE, SECURITY, Mirror
from lading.debian.release import ListedFile, Release
from lading.debian.signature import Keyring
from lading.errors import ArchiveError, UntrustedArchive
from lading.progress import Progress
from lading.store import Store

_SUITES = ((ARCHIVE, "{}"), (ARCHIVE, "{}-updates"), (SECURITY, "{}-security"))
_EXPIRED = "LADING_DEBIAN_ALLOW_EXPIRED"


@dataclass(frozen=True, slots=True)
class Archive:
    """Both archives of Debian, at one mirror."""

    mirror: Mirror
    keyring: Keyring
    downloader: Downloader
    progress: Progress

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    allows_expired: bool = False

    def releases(self, suite: str) -> tuple[tuple[str, Release], ...]:
        """Return the releases that make up *suite*, each with the archive that has it.

        Raises:
            Missing: there is no such suite.
            UntrustedArchive: one is not signed by Debian, is of another suite, or has expired.
            ArchiveError: the archive cannot be reached or answers nonsense.
        """
        return tuple((archive, self._release(archive, form.format(suite))) for archive, form in _SUITES)

    def index(self, archive: str, release: Release, architecture: str) -> PackageIndex:
        """Return the packages of one suite for one processor.

        Raises:
            DigestMismatch: the index is not the one of *release*.
            ArchiveError: the archive cannot be reached, or has nothing for this processor.
        """
        folder = f"main/binary-{architecture}"
        listed = release.files.get(f"{folder}/Packages.xz")
        if listed is None:
            raise ArchiveError(f"{release.codename} has no packages for {architecture}")
        path = self.downloader.store.find(listed.digest) or self._fetch(archive, release, folder, listed)
        try:
            data = lzma.decompress(path.read_bytes())
        except lzma.LZMAError as error:
            raise ArchiveError(f"the package index of {release.codename} cannot be read: {error}") from error
        return PackageIndex.parse(archive, data)

    def fetch(self, package: Package, moved: Callable[[int], None]) -> None:
        """Bring *package* into the store, telling the bytes that have arrived since.

        Raises:
            DigestMismatch: it is another package than was locked.
            Missing: there is no such package any more.
            ArchiveError: the archive cannot be reached.
        """
        self.downloader.fetch(self.mirror.url(package.archive, package.path), package.digest, moved)

    def _release(self, archive: str, suite: str) -> Release:
        name = f"dists/{suite}/InRelease"
        signed = self.downloader.read(self.mirror.url(archive, name))
        text = self.keyring.verify(signed, name).decode(errors="replace")
        release = Release.parse(text, name)
        if release.codename != suite:
            raise UntrustedArchive(f"{name} is of another suite: {release.codename!r}")
        if release.is_expired(self.now()) and not self.allows_expired:
            raise UntrustedArchive(
                f"{name} has expired: it was valid until {release.valid_until:%Y-%m-%d %H:%M} UTC",
                hint=f"the mirror or this clock is wrong; to use it all the same, set {_EXPIRED}=1",
            )
        return release

    def _fetch(self, archive: str, release: Release, folder: str, listed: ListedFile) -> Path:
        file = f"by-hash/SHA256/{listed.digest.hex}" if release.has_by_hash else "Packages.xz"
        url = self.mirror.url(archive, f"dists/{release.codename}/{folder}/{file}")
        title = f"package index of {release.codename}"
        with self.progress.transfer(title, listed.size_bytes) as moved:
            return self.downloader.fetch(url, listed.digest, moved)


@contextmanager
def open_archive(
    store: Store, progress: Progress, environ: Mapping[str, str] = os.environ
) -> Iterator[Archive]:
    """Give Debian's archive as this host reaches it."""
    mirror = Mirror.find(environ)
    with open_client(mirror.proxies) as client:
        yield Archive(
            mirror,
            Keyring.find(environ),
            Downloader(store, client),
            progress,
            allows_expired=environ.get(_EXPIRED, "") not in {"", "0"},
        )
