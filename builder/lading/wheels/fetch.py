"""Every wheel of a lock, verified, as a file of this machine."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lading.digest import Digest
from lading.environment import PackageIndex
from lading.errors import WheelUnavailable
from lading.lock import Lock, SourceArchive, WheelSource
from lading.progress import Progress
from lading.store import Store
from lading.wheels.file import WheelFile

_AT_ONCE = 8
"""Files that are hashed at the same time."""


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
        return tuple(
            self.store.named(source.digest, source.name)
            if isinstance(source, WheelSource)
            else self._built(source, lock)
            for source in sources
        )

    def _built(self, source: SourceArchive, lock: Lock) -> Path:
        """Return the wheel of what exists only as source."""
        make = import_module("lading.wheels.build").WheelBuilder
        builder = make(self.store, self.progress, self.index, is_offline=self.is_offline)
        archive = self.store.path(source.digest) if source.digest else None
        wheel: Path = builder.build(source, archive, lock)
        return wheel

    def _bring(self, files: Mapping[Digest, WheelFile]) -> None:
        """Bring those of *files* into the store that are missing there or damaged."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            blobs = dict(zip(files, pool.map(self.store.find, files), strict=True))
        missing = [file for digest, file in files.items() if blobs[digest] is None]
        if self.is_offline:
            _require_local(missing)
        if missing:
            # What speaks HTTP takes a while to import, and most builds miss nothing.
            arriving = import_module("lading.wheels.arriving")
            arriving.Arrivals(self.store, self.progress, self.index, self.first_wait_s).bring(missing)


def _require_local(missing: Iterable[WheelFile]) -> None:
    names = sorted(file.name for file in missing if urlsplit(file.url).scheme != "file")
    if names:
        others = f" (and {len(names) - 1} others)" if names[1:] else ""
        raise WheelUnavailable(
            f"{names[0]}{others} is not in the store, and offline nobody is asked for it",
            hint="build once with a network, or bring a store that has them (lading cache export)",
        )


def _file(source: WheelSource | SourceArchive) -> WheelFile | None:
    """Return the file that *source* needs; None for a checkout."""
    match source:
        case WheelSource(name=name, url=url, digest=digest, size_bytes=size):
            return WheelFile(name, url, digest, size)
        case SourceArchive(url=url, digest=Digest() as digest):
            address = url.partition("#")[0]
            return WheelFile(unquote(urlsplit(address).path.rpartition("/")[2]), address, digest, None)
        case _:
            return None
