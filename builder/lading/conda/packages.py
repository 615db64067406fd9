"""The package files of a conda lock, verified, as files of this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lading.conda.channels import private_url
from lading.conda.failures import unreachable
from lading.conda.rattler import Rattler, RattlerFailed
from lading.digest import Digest
from lading.errors import DigestMismatch, WheelUnavailable
from lading.lock import CondaPackage
from lading.progress import Progress
from lading.store import Store, flush, store_errors


@dataclass(frozen=True, slots=True)
class PackageFetcher:
    """Brings packages into the store."""

    store: Store
    progress: Progress
    rattler: Rattler

    def fetch(self, packages: Iterable[CondaPackage], channels: tuple[str, ...] = ()) -> tuple[Path, ...]:
        """Return a verified file for each of *packages*, under its own name; nobody may write to it.

        Args:
            packages: of a lock.
            channels: URLs whose credentials open them; a lock has none.

        Raises:
            DigestMismatch: a file is not the one that was locked.
            WheelUnavailable: a file is gone.
            PackageIndexError: a channel cannot be reached or refuses.
            StoreError: the store cannot be written.
        """
        wanted = tuple(packages)
        missing = [package for package in wanted if self.store.find(package.digest) is None]
        local = [package for package in missing if package.url.startswith("file:")]
        for package in local:
            self._copy(package)
        if len(missing) > len(local):
            self._download([package for package in missing if package not in local], channels)
        return tuple(self.store.named(package.digest, package.file) for package in wanted)

    def _copy(self, package: CondaPackage) -> None:
        path = Path(unquote(urlsplit(package.url).path))
        if not path.is_absolute() or not path.is_file():
            raise WheelUnavailable(
                f"{package.file} is a file of the machine that locked, and not on this one",
                hint="put it beside the lock file, or lock again",
            )
        try:
            self.store.add_file(path, package.digest)
        except DigestMismatch as error:
            raise _tampered(package, error) from error

    def _download(self, packages: list[CondaPackage], channels: tuple[str, ...]) -> None:
        total = sum(package.size_bytes or 0 for package in packages)
        with (
            self.store.temporary_folder() as folder,
            self.progress.transfer(f"{len(packages)} conda packages", total or None) as moved,
        ):
            targets = {str(folder / package.digest.hex): package for package in packages}
            files = [(private_url(package.url, channels), target) for target, package in targets.items()]
            try:
                self.rattler.ask(
                    "fetch",
                    {"files": files},
                    lambda target: moved(self._adopt(Path(target), targets[target])),
                )
            except RattlerFailed as error:
                raise unreachable(error) from error

    def _adopt(self, path: Path, package: CondaPackage) -> int:
        """Move a complete file to its place in the store; return its size."""
        with store_errors("read", path), path.open("rb") as file:
            flush(file)
        size_bytes, digest = path.stat().st_size, Digest.of_file(path)
        if digest != package.digest:
            raise _tampered(package, DigestMismatch(f"expected {package.digest}, got {digest}"))
        self.store.adopt(path, digest)
        return size_bytes


def _tampered(package: CondaPackage, error: DigestMismatch) -> DigestMismatch:
    return DigestMismatch(
        f"{package.file} is not the file that the channel promises: {error.message}",
        hint="lock again if the channel replaced it; else somebody changed it on its way",
    )
