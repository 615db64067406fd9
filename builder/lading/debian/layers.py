"""A lock → the layers of a base: its packages fetched, unpacked, put together and written."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from lading.debian.index import Package
from lading.debian.layer import find_layer, make_layer
from lading.debian.lock import BaseLock
from lading.digest import Digest
from lading.oci.compress import COMPRESSOR
from lading.oci.image import Layer
from lading.progress import Progress
from lading.store import Store

if TYPE_CHECKING:
    from lading.debian.interpreter import ForeignPython
    from lading.debian.root import Node, Root

    _Nodes = Mapping[str, Node]

TRANSFORM = 2
"""Counts up whenever the same packages become other bytes."""

_RECIPES = "debian-interpreter"
_AT_ONCE = 8
_ROOTS = "lading.debian.roots"
"""What makes file systems of packages takes a while to import, and most builds have all layers."""


class PackageSource(Protocol):
    """Has Debian's packages."""

    def fetch(self, package: Package, moved: Callable[[int], None]) -> None:
        """Bring *package* into the store, telling the bytes that have arrived since.

        Raises:
            DigestMismatch: it is another package than was locked.
            Missing: there is no such package any more.
            ArchiveError: the archive cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class BaseLayers:
    """Makes layers out of packages, or finds those that were made before."""

    store: Store
    progress: Progress

    archive: Callable[[], AbstractContextManager[PackageSource]]
    """Opens Debian's archive; not called where every package is in the store."""

    def layers(self, lock: BaseLock, python: str | None) -> tuple[Layer, ...]:
        """Return the system's layer and, where *lock* has one, that of the interpreter.

        The system's is the same for each interpreter, so that registries and engines have it once.

        Args:
            lock: of the base.
            python: the interpreter's name, such as ``python3.11``.

        Raises:
            DigestMismatch: the mirror gives another package than was locked.
            Missing: the archive has a package no more: Debian removes what was superseded.
            ArchiveError: the archive cannot be reached, or has a broken package.
            StoreError: the disk is full, or the store cannot be written.
        """
        keys = _keys(lock, python)
        return self._known(keys) or self._alone(lock, keys, python)

    def _alone(self, lock: BaseLock, keys: tuple[str, ...], python: str | None) -> tuple[Layer, ...]:
        """Make the layers of *lock*, unless another build does so meanwhile."""
        with self.store.exclusive(f"debian-{lock.suite}-{lock.architecture}"):
            known = self._known(keys)
            if known is not None:
                return known
            with self.progress.step(f"assemble debian:{lock.suite}"):
                self.fetch(lock.packages)
                return tuple(self._make(lock, keys, python))

    def _known(self, keys: tuple[str, ...]) -> tuple[Layer, ...] | None:
        """Return the layers that were made for *keys*; None where one is missing."""
        found = [layer for key in keys if (layer := find_layer(self.store, key)) is not None]
        return tuple(found) if len(found) == len(keys) else None

    def layers_with(
        self,
        lock: BaseLock,
        opened: Callable[[], AbstractContextManager["ForeignPython"]],
        recipe: str | None,
    ) -> tuple[Layer, ...]:
        """Return the layers of *lock*, and one of another interpreter over them.

        Args:
            lock: of the base.
            opened: gives the interpreter.
            recipe: what it is always the same by; None where it may be another one each time.

        Raises:
            BuildFailed: the base lacks what the interpreter links to.
            LadingError: as from `layers`.
        """
        below = self.layers(lock, None)
        base = _keys(lock, None)[-1]
        kept = self.store.read_entry(_RECIPES, f"{recipe} {base}") if recipe else None
        layer = find_layer(self.store, kept.decode()) if kept else None
        if layer is None:
            with opened() as interpreter:
                nodes = interpreter.nodes()
                key = f"{base} {_names_of_nodes(nodes)}"
                layer = find_layer(self.store, key) or self._over(lock, interpreter, nodes, key)
                if recipe:
                    self.store.write_entry(_RECIPES, f"{recipe} {base}", key.encode())
        return (*below, layer)

    def _over(self, lock: BaseLock, interpreter: "ForeignPython", nodes: "_Nodes", key: str) -> Layer:
        with self.progress.step(f"put {interpreter.title} on debian:{lock.suite}"):
            self.fetch(lock.packages)
            opened_over = import_module(_ROOTS).opened_over
            with opened_over(lock, interpreter, nodes, self.store) as root:
                return self._layer(key, root, interpreter.title)

    def fetch(self, packages: Iterable[Package]) -> None:
        """Bring those of *packages* into the store that are missing there or damaged."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            wanted = list(packages)
            there = pool.map(self.store.find, [package.digest for package in wanted])
            missing = [package for package, path in zip(wanted, there, strict=True) if path is None]
        if missing:
            with self.archive() as archive, ThreadPoolExecutor(_AT_ONCE) as pool:
                for _ in pool.map(lambda package: self._download(archive, package), missing):
                    pass

    def _download(self, archive: PackageSource, package: Package) -> None:
        with self.progress.transfer(f"{package.name} {package.version}", package.size_bytes) as moved:
            archive.fetch(package, moved)

    def _make(self, lock: BaseLock, keys: tuple[str, ...], python: str | None) -> Iterable[Layer]:
        """Yield the layers of *lock*; those that are the same as before are written again."""
        with import_module(_ROOTS).opened(lock, python, self.store) as (system, everything):
            yield self._layer(keys[0], system, f"the system of debian:{lock.suite}")
            if lock.python:
                upper = everything.beside(system.nodes)
                yield self._layer(keys[1], upper, f"{python or 'libraries'} of debian:{lock.suite}")

    def _layer(self, key: str, root: "Root", title: str) -> Layer:
        return make_layer(self.store, key, root, f"lading: {title}")


def _keys(lock: BaseLock, python: str | None) -> tuple[str, ...]:
    """Return what the layers of *lock* are kept under: all that their bytes depend on."""
    system = f"{TRANSFORM} {COMPRESSOR} {Digest.of(_names(lock.system))} {lock.architecture} {lock.suite}"
    return (system, f"{system} {Digest.of(_names(lock.python))} {python}") if lock.python else (system,)


def _names(packages: Iterable[Package]) -> bytes:
    return "".join(f"{package.name} {package.digest}\n" for package in packages).encode()


def _names_of_nodes(nodes: "_Nodes") -> Digest:
    """Return what differs when anything of an interpreter does."""
    rows = (f"{path} {node.mode:o} {node.target} {node.digest}\n" for path, node in sorted(nodes.items()))
    return Digest.of("".join(rows).encode())
