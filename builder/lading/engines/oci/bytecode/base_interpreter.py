"""A base image's own interpreter, run on this machine: no root, no container, whatever Pythons are here.

It compiles for its image, so the bytes are the same wherever the image is built. What it needs is kept in
the store as one archive, and unpacked while it is used. Its own dynamic linker starts it with its own
libraries (``man ld.so``), so this machine gives nothing but the kernel and the processor.
"""

import json
import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lading.digest import Digest
from lading.engines.oci.bases.base import Base
from lading.oci.blob import FileBlob, FilePart
from lading.oci.image import chain_ids
from lading.store import Store

if TYPE_CHECKING:
    from lading.engines.oci.bytecode.compiler import Command
    from lading.engines.oci.bytecode.taking import Taken

TRANSFORM = 1
"""Counted up when something else is taken out of the same image."""

_KIND = "bytecode-interpreters"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class BaseInterpreter:
    """An interpreter of an image, in the store."""

    store: Store
    digest: Digest
    """Of the archive with all its files."""

    program: str
    linker: str
    version: str

    def ready(self) -> AbstractContextManager["Command"]:
        """Give what starts it; its files are there until this ends.

        Raises:
            StoreError: the store has lost them, or cannot be written.
        """
        started: AbstractContextManager[Command] = _taking().started(
            self.store, self.digest, self.program, self.linker
        )
        return started


@dataclass(frozen=True, slots=True)
class BaseInterpreters:
    """Takes interpreters out of base images, each once."""

    store: Store

    def find(self, base: Base) -> BaseInterpreter | None:
        """Return the interpreter of *base*; None where it does not run here, or the base is elsewhere.

        Layers of a registry are not fetched for it, even where the store has them already: an image must
        not depend on what was built before.

        Raises:
            DigestMismatch: a layer is damaged.
            StoreError: the store cannot be read or written.
        """
        if not _is_here(base):
            return None
        key = f"{TRANSFORM} {chain_ids(base.image.config.diff_ids)[-1]} {base.python}"
        return self._kept(key) or self._taken(key, base)

    def _kept(self, key: str) -> BaseInterpreter | None:
        kept = self.store.read_entry(_KIND, key)
        if kept is None:
            return None
        digest, *names = json.loads(kept)
        found = BaseInterpreter(self.store, Digest.parse(digest), *names)
        return found if self.store.path(found.digest).is_file() else None

    def _taken(self, key: str, base: Base) -> BaseInterpreter | None:
        with self.store.exclusive(f"base-interpreter-{Digest.of(key.encode()).hex[:32]}"):
            found = self._kept(key) or self._made(base)
            if found is not None:
                members = [str(found.digest), found.program, found.linker, found.version]
                self.store.write_entry(_KIND, key, json.dumps(members).encode())
        return found

    def _made(self, base: Base) -> BaseInterpreter | None:
        taken: Taken | None = _taking().taken(base.image, base.python, self.store)
        if taken is None:
            return None
        return BaseInterpreter(self.store, taken.digest, taken.program, taken.linker, taken.version)


def _taking() -> Any:
    # most builds find the interpreter in the store, and have nothing to compile with it
    return import_module("lading.engines.oci.bytecode.taking")


def _is_here(base: Base) -> bool:
    """Whether *base* is for this machine, and all its layers are files."""
    layers = base.image.layers
    if not layers or not all(isinstance(layer.blob, FileBlob | FilePart) for layer in layers):
        return False
    wanted, own = base.image.config.platform, _MACHINES.get(platform.machine())
    return (wanted.os, wanted.architecture) == (sys.platform, own)
