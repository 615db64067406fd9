"""Files that the store has not got: downloaded, or copied from where they are on this machine."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lading.environment import PackageIndex
from lading.errors import DigestMismatch, WheelUnavailable
from lading.progress import Progress
from lading.store import Store
from lading.wheels.download import Downloader
from lading.wheels.file import WheelFile
from lading.wheels.http import open_client

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Brings files into the store."""

    store: Store
    progress: Progress
    index: PackageIndex
    first_wait_s: float

    def bring(self, files: Iterable[WheelFile]) -> None:
        """Bring *files* into the store, several at once; the first failure ends all.

        Raises:
            DigestMismatch: a file is not the one that was locked.
            WheelUnavailable: a file is gone.
            PackageIndexError: a host cannot be reached or refuses.
            StoreError: the disk is full, or the store cannot be written.
        """
        with open_client(self.index) as client:
            self._download(files, Downloader(self.store, client, self.first_wait_s))

    def _download(self, files: Iterable[WheelFile], downloader: Downloader) -> None:
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

    def _fetch(self, file: WheelFile, downloader: Downloader) -> None:
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

    def _copy(self, file: WheelFile) -> None:
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
