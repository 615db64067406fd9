"""A folder of this machine as a layer: the model, whose files may be gigabytes.

The layer is not compressed (weights hardly compress, and so its two digests are one), and it is not copied
into the store: it is read from the folder whenever somebody asks for it. Files are root's, and everybody may
read them, whatever user a platform runs the image as.
"""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, assert_never

from lading.digest import Digest
from lading.engines.oci.scheme import folders_of
from lading.engines.oci.wheel_layer import LayerFacts
from lading.errors import BuildFailed
from lading.folder import Entry, File, Folder, Link, digest, entries, opened
from lading.layer import FolderLayer
from lading.oci import media_types
from lading.oci.blob import CHUNK_BYTES
from lading.oci.descriptor import Descriptor
from lading.oci.image import Layer
from lading.oci.tar import END, Kind, TarEntry, padding
from lading.store import Store

TRANSFORM = 1
"""Of the bytes that are made of a folder; counted up with every change of this."""

_KIND = "folder-layers"


def folder_layer(layer: FolderLayer, store: Store) -> Layer:
    """Return the layer that puts a folder into an image; the folder is read only if it never was before.

    Raises:
        BuildFailed: the folder is not what it was when *layer* was scanned.
        InvalidModel: something in it cannot be read or cannot be in an image; names it.
        StoreError: the store cannot be read or written.
    """
    blob = FolderBlob(layer)
    key = f"{TRANSFORM} {layer.digest} {layer.target}"
    kept = store.read_entry(_KIND, key)
    facts = LayerFacts.decode(kept) if kept is not None else blob.facts()
    if kept is None:
        store.write_entry(_KIND, key, facts.encode())
    descriptor = Descriptor(media_types.TAR, facts.digest, facts.size_bytes)
    return Layer(descriptor, facts.diff_id, blob, f"lading: the model in {layer.target}")


def archive(target: str, found: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the archive that puts *found* below *target*, about a megabyte at a time.

    Raises:
        BuildFailed: a file is shorter or longer than it was.
        InvalidModel: a file cannot be read.
    """
    for part in _parts(target, found):
        yield from _contents(part, 0) if isinstance(part, File) else (part,)


@dataclass(frozen=True, slots=True)
class FolderBlob:
    """The blob of such a layer."""

    layer: FolderLayer

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield the archive, about a megabyte at a time; what comes before *start_bytes* is not read.

        Raises:
            BuildFailed: a file is shorter or longer than it was.
            InvalidModel: something cannot be read or cannot be in an image; names it.
        """
        skipped_bytes = start_bytes
        for part in _parts(self.layer.target, tuple(entries(self.layer.source))):
            size_bytes = part.size_bytes if isinstance(part, File) else len(part)
            cut = min(skipped_bytes, size_bytes)
            skipped_bytes -= cut
            if cut < size_bytes:
                yield from _contents(part, cut) if isinstance(part, File) else (part[cut:],)

    def facts(self) -> LayerFacts:
        """Return the digest and size of the layer, having read all of it once.

        Raises:
            BuildFailed: the folder is not what it was when it was scanned.
            InvalidModel: something cannot be read or cannot be in an image; names it.
        """
        found = tuple(entries(self.layer.source))
        archive, hashed = _Sum(), {}
        for part in _parts(self.layer.target, found):
            if isinstance(part, bytes):
                archive.add(part)
            else:
                hashed[part.path] = _hash(part, archive)
        if digest(found, hashed) != self.layer.digest:
            raise _changed(self.layer.source.name)
        made = archive.digest
        return LayerFacts(made, archive.size_bytes, made)


@dataclass(slots=True)
class _Sum:
    """The digest and size of bytes that come in pieces."""

    sha256: Any = field(default_factory=hashlib.sha256)
    size_bytes: int = 0

    def add(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.size_bytes += len(chunk)

    @property
    def digest(self) -> Digest:
        return Digest(self.sha256.hexdigest())


def _hash(file: File, archive: _Sum) -> Digest:
    """Return the digest of a file's contents, which are added to *archive* too."""
    content = _Sum()
    if file.size_bytes <= CHUNK_BYTES:  # to start a thread would take longer
        for chunk in _contents(file, 0):
            archive.add(chunk)
            content.add(chunk)
        return content.digest
    with ThreadPoolExecutor(1) as other:
        for chunk in _contents(file, 0):
            is_added = other.submit(archive.add, chunk)
            content.add(chunk)
            is_added.result()
    return content.digest


def _parts(target: str, found: Iterable[Entry]) -> Iterator[bytes | File]:
    """Give the archive: bytes, and files whose contents belong there."""
    root = target.strip("/")
    for folder in sorted({*folders_of([root]), root}):
        yield TarEntry(folder, Kind.FOLDER, mode=0o755).header()
    for entry in found:
        yield _header(root, entry)
        if isinstance(entry, File):
            yield entry
            yield padding(entry.size_bytes)
    yield END


def _header(root: str, entry: Entry) -> bytes:
    path = f"{root}/{entry.path}"
    match entry:
        case Folder():
            return TarEntry(path, Kind.FOLDER, mode=0o755).header()
        case Link(goal=goal):
            return TarEntry(path, Kind.LINK, mode=0o777, target=goal).header()
        case File(is_executable=is_executable, size_bytes=size_bytes):
            return TarEntry(path, size_bytes=size_bytes, mode=0o755 if is_executable else 0o644).header()
        case _:
            assert_never(entry)


def _contents(file: File, start_bytes: int) -> Iterator[bytes]:
    """Yield the contents from *start_bytes* on, never more than the header told of.

    Raises:
        BuildFailed: there are more or fewer.
        InvalidModel: they cannot be read.
    """
    left = file.size_bytes - start_bytes
    with opened(file) as contents:
        contents.seek(start_bytes)
        while left > 0 and (chunk := contents.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
        has_more = bool(contents.read(1))
    if left or has_more:
        raise _changed(file.path)


def _changed(name: str) -> BuildFailed:
    return BuildFailed(f"{name!r} changed while it was read", hint="build again")
