"""Folders of images: the OCI image layout (``image-layout.md``).

    <folder>/oci-layout               the version of the format
    <folder>/index.json               the images, each with its name
    <folder>/blobs/sha256/<hex>       everything that they are made of

A layout may hold many images, of other writers as well; what Lading does not write stays. Blobs get
their name when they are whole, ``index.json`` is replaced when all blobs are there, and one process at
a time writes. A file of the store is not copied but linked: blobs are read-only in both places, so that
nobody who edits a layout changes the store by mistake (which hashes what it hands out, and would notice).
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage, OutputFailed
from lading.oci import document, files
from lading.oci.blob import FileBlob
from lading.oci.chunks import counted
from lading.oci.contents import Part, parts
from lading.oci.descriptor import Descriptor
from lading.oci.entries import encode_index, entries_of, merge
from lading.oci.image import Image, Index
from lading.oci.manifest import MAX_BYTES, read_index
from lading.oci.reading import (
    VERSION,
    Found,
    FoundForAll,
    find_every_image,
    find_image,
    require_version,
)
from lading.progress import Progress, Silent
from lading.reference import ImageRef

_READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder that holds images, or will."""

    folder: Path

    def write(self, made: Image | Index, refs: Sequence[ImageRef], progress: Progress | None = None) -> None:
        """Add *made*, under all of *refs*.

        Raises:
            DigestMismatch: a layer has other bytes than its digest says.
            OutputFailed: the folder holds something else, or cannot be written.
        """
        with files.output_errors(self.folder), self._alone():
            for part in parts(made):
                self._add(part, progress or Silent())
            self._name(made.descriptor, refs)

    def find(self, wanted: str | None, platform: Platform) -> Found:
        """Return the image called *wanted*, a tag or a whole name; None is the only one.

        Raises:
            BuildFailed: there is none for *platform*.
            InvalidImage: this is no layout, or it is damaged.
        """
        require_version(self._read("oci-layout"))
        return find_image(self._read("index.json"), wanted, platform, self._blob)

    def find_for_all(self, wanted: str | None) -> FoundForAll:
        """Return the image called *wanted* as `find` does, for all platforms that it is for.

        Raises:
            BuildFailed: there is none.
            InvalidImage: this is no layout, or it is damaged.
        """
        require_version(self._read("oci-layout"))
        return find_every_image(self._read("index.json"), wanted, self._blob)

    def path(self, digest: Digest) -> Path:
        """Return where the blob of *digest* is, or would be."""
        return self._blobs / digest.hex

    @property
    def _blobs(self) -> Path:
        return self.folder / "blobs" / "sha256"

    def _add(self, part: Part, progress: Progress) -> None:
        target = self.path(part.descriptor.digest)
        if _size(target) == part.descriptor.size_bytes or self._link(part, target):
            return
        with (
            progress.transfer(part.name, part.descriptor.size_bytes) as advance,
            files.replacing(target, self.folder, _READ_ONLY) as file,
        ):
            file.writelines(counted(part.chunks(), advance))

    def _link(self, part: Part, target: Path) -> bool:
        """Give a layout a blob that is a file already, without copying it; whether that was possible."""
        if not isinstance(part.blob, FileBlob):
            return False
        unfinished = files.unfinished(self.folder)
        try:
            if not files.link(part.blob.path, unfinished):
                return False
            for _ in Part(part.descriptor, FileBlob(unfinished)).chunks():
                pass  # reading to the end verifies it
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return True

    def _name(self, descriptor: Descriptor, refs: Sequence[ImageRef]) -> None:
        path = self.folder / "index.json"
        old = path.read_bytes() if path.exists() else None
        members = document.decode(old, "the layout's index.json") if old else {}
        entries = merge(read_index(old) if old else (), entries_of(descriptor, refs))
        new = encode_index(entries, members)
        if new != old:
            with files.replacing(path, self.folder) as file:
                file.write(new)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other writers out, and remove what one that died left unfinished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for left in self.folder.glob(f"{files.PREFIX}*"):
                left.unlink()
            self._begin()
            yield
        finally:
            os.close(descriptor)

    def _begin(self) -> None:
        version = self.folder / "oci-layout"
        if version.exists():
            require_version(version.read_bytes())
        elif any(self.folder.iterdir()):
            raise OutputFailed(
                f"{str(self.folder)!r} holds something that is no OCI layout",
                hint="name a new or empty folder",
            )
        else:
            with files.replacing(version, self.folder) as file:
                file.write(VERSION)
        self._blobs.mkdir(parents=True, exist_ok=True)

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidImage(
                f"{str(self.folder)!r} is no OCI layout: cannot read {name}: {reason}",
                hint="name a folder that has oci-layout and index.json",
            ) from error

    def _blob(self, descriptor: Descriptor) -> FileBlob:
        path = self.path(descriptor.digest)
        if _size(path) != descriptor.size_bytes:
            state = "lacks" if _size(path) is None else "has only a damaged"
            raise InvalidImage(f"{str(self.folder)!r} {state} {descriptor.digest}", hint="copy it anew")
        return FileBlob(path)


def _size(path: Path) -> int | None:
    """Return the size of a file in bytes; None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
