"""Every wheel of a lock, verified, as a file of this machine."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lading.digest import Digest
from lading.environment import PackageIndex
from lading.errors import DigestMismatch, WheelUnavailable
from lading.lock import Lock, SourceArchive, WheelSource
from lading.progress import Progress
from lading.store import Store
from lading.wheels.build import WheelBuilder
from lading.wheels.download import Downloader
from lading.wheels.http import open_client

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _File:
    """What is to be brought into the store."""

    name: str
    url: str
    digest: Digest
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class WheelFetcher:
    """Brings wheels into the store: what is missing is downloaded, what exists only as source is built."""

    store: Store
    progress: Progress

    index: PackageIndex = field(default_factory=PackageIndex)
    """Whose credentials open the hosts of the lock's URLs, and which builds may use."""

    first_wait_s: float = 0.5
    """Before a download is tried again."""

    is_offline: bool = False
    """Ask nobody: only what is in the store, or a file of this machine, counts."""

    def fetch(self, lock: Lock) -> tuple[Path, ...]:
        """Return a verified wheel file for each package of *lock*, in its order.

        The files have the names that installers need. They are links into the store: nobody may write
        to them. Two builds that need the same wheel download it once.

        Raises:
            DigestMismatch: a file is not the one that was locked.
            WheelUnavailable: a file is gone, or a source cannot be built for the lock's target here.
            PackageIndexError: a host cannot be reached or refuses.
            StoreError: the disk is full, or the store cannot be written.
        """
        sources = [package.source for package in lock.packages]
        self._bring({file.digest: file for file in map(_file, sources) if file})
        builder = WheelBuilder(self.store, self.progress, self.index, is_offline=self.is_offline)
        return tuple(
            self.store.named(source.digest, source.name)
            if isinstance(source, WheelSource)
            else builder.build(source, self.store.path(source.digest) if source.digest else None, lock)
            for source in sources
        )

    def _bring(self, files: Mapping[Digest, _File]) -> None:
        """Bring those of *files* into the store that are missing there or damaged."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            blobs = dict(zip(files, pool.map(self.store.find, files), strict=True))
        missing = [file for digest, file in files.items() if blobs[digest] is None]
        if self.is_offline:
            _require_local(missing)
        if missing:
            with open_client(self.index) as client:
                self._download(missing, Downloader(self.store, client, self.first_wait_s))

    def _download(self, files: Iterable[_File], downloader: Downloader) -> None:
        """Bring *files* into the store, several at once; the first failure ends all."""
        largest_first = sorted(files, key=lambda file: -(file.size_bytes or 0))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures = [pool.submit(self._fetch, file, downloader) for file in largest_first]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:  # Ctrl-C too: the threads must end before the pool can
                for future in futures:
                    future.cancel()
                downloader.cancel()
                raise

    def _fetch(self, file: _File, downloader: Downloader) -> None:
        """Bring one file into the store, unless another build does so meanwhile."""
        waits = partial(self.progress.line, f"waiting for another build that fetches {file.name}")
        with self.store.exclusive(file.digest.hex, on_wait=waits, is_cancelled=downloader.stop.is_set):
            if self.store.find(file.digest) is not None:
                return
            if urlsplit(file.url).scheme == "file":
                self._copy(file)
                return
            with self.progress.transfer(file.name, file.size_bytes) as moved:
                downloader.download(file.url, file.digest, moved)

    def _copy(self, file: _File) -> None:
        """Bring a file of this machine into the store."""
        path = Path(unquote(urlsplit(file.url).path))
        if not path.is_absolute() or not path.is_file():
            raise WheelUnavailable(
                f"{file.name} is a file of the machine that locked, and not on this one",
                hint="put it beside the lock file, or lock again",
            )
        try:
            self.store.add_file(path, file.digest)
        except DigestMismatch as error:
            raise DigestMismatch(f"{path} is not the file that was locked: {error.message}") from error


def _require_local(missing: Iterable[_File]) -> None:
    names = sorted(file.name for file in missing if urlsplit(file.url).scheme != "file")
    if names:
        others = f" (and {len(names) - 1} others)" if names[1:] else ""
        raise WheelUnavailable(
            f"{names[0]}{others} is not in the store, and offline nobody is asked for it",
            hint="build once with a network, or bring a store that has them (lading cache export)",
        )


def _file(source: WheelSource | SourceArchive) -> _File | None:
    """Return the file that *source* needs; None for a checkout."""
    match source:
        case WheelSource(name=name, url=url, digest=digest, size_bytes=size):
            return _File(name, url, digest, size)
        case SourceArchive(url=url, digest=Digest() as digest):
            address = url.partition("#")[0]
            return _File(unquote(urlsplit(address).path.rpartition("/")[2]), address, digest, None)
        case _:
            return None
