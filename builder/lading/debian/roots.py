"""The file systems that packages make, for a while; imported where layers are made of them."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from lading.debian.assemble import assemble
from lading.debian.deb import Deb
from lading.debian.interpreter import ForeignPython, add_interpreter
from lading.debian.lock import BaseLock
from lading.debian.root import Node, Root
from lading.debian.unpack import Unpacker
from lading.store import Store

_AT_ONCE = 4
"""Decompressing is most of the work, and done without the interpreter's lock; each takes 10 MB of memory."""


@contextmanager
def opened(lock: BaseLock, python: str | None, store: Store) -> Iterator[tuple[Root, Root]]:
    """Give the file systems of the system alone, and of everything; their contents go afterwards."""
    debs = [Deb(store.path(package.digest), package.name) for package in lock.packages]
    with store.temporary_folder() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        unpacked = {package.name: package for package in pool.map(Unpacker(folder).unpack, debs)}
        system = assemble([unpacked[package.name] for package in lock.system], lock.architecture)
        everything = assemble(
            sorted(unpacked.values(), key=lambda package: package.name), lock.architecture, python
        )
        yield system, everything


@contextmanager
def opened_over(
    lock: BaseLock, interpreter: ForeignPython, nodes: Mapping[str, Node], store: Store
) -> Iterator[Root]:
    """Give what *interpreter* adds to the file system of everything in *lock*."""
    with opened(lock, None, store) as (_, everything):
        below = dict(everything.nodes)
        add_interpreter(everything, interpreter, nodes, lock.architecture)
        yield everything.beside(below)
