"""Conda packages as layers: the heavy ones have layers of their own, which images with the same build share.

They are compressed here, once, and kept in the store. What zlib makes of the same bytes may differ between
its versions; so may these layers' digests then, while what is in them is the same.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from lading.digest import Digest
from lading.engines.oci.folder_layer import archive
from lading.engines.oci.wheel_layer import LayerFacts
from lading.folder import Entry, File, entries
from lading.layer import FolderLayer
from lading.oci import media_types
from lading.oci.blob import FileBlob
from lading.oci.descriptor import Descriptor
from lading.oci.gzip import HEADER, trailer
from lading.oci.image import Layer
from lading.progress import Progress
from lading.store import Store

TRANSFORM = 1
"""Of the bytes that are made of a prefix; counted up with every change of this."""

_HEAVY_BYTES = 8 << 20
"""A package of this size has a layer of its own."""

_MAX_HEAVY = 20
"""Only the heaviest have: with wheels above them, an image stays below 60 layers."""

_LEVEL = 6
_KIND = "conda-layers"
_REST = "other conda packages"


def conda_layers(conda: FolderLayer, store: Store, progress: Progress) -> tuple[Layer, ...]:
    """Return the layers of a prefix, the heaviest package lowest; what was made before is only looked up.

    Raises:
        BuildFailed: a file changes while it is read.
        StoreError: the store cannot be read or written.
    """
    groups = _groups(tuple(entries(conda.source)), conda)
    return tuple(_layer(name, found, conda, store, progress) for name, found in groups)


def _groups(found: Sequence[Entry], conda: FolderLayer) -> list[tuple[str, tuple[Entry, ...]]]:
    """Return what belongs to each heavy package, and the rest."""
    owners = dict(_owners(conda))
    sizes: dict[str, int] = {}
    for entry in found:
        owner = owners.get(entry.path, _REST)
        sizes[owner] = sizes.get(owner, 0) + (entry.size_bytes if isinstance(entry, File) else 0)
    by_size = sorted((name for name in sizes if name != _REST), key=lambda name: (-sizes[name], name))
    heavy = [name for name in by_size if sizes[name] >= _HEAVY_BYTES][:_MAX_HEAVY]
    rest = [entry for entry in found if owners.get(entry.path) not in heavy]
    parts = [(name, [entry for entry in found if owners.get(entry.path) == name]) for name in heavy]
    return [(name, _with_folders(part, found)) for name, part in [*parts, (_REST, rest)] if part]


def _owners(conda: FolderLayer) -> Iterator[tuple[str, str]]:
    """Yield path and package of every file that a package brought."""
    for record in sorted((conda.source / "conda-meta").glob("*.json")):
        content = json.loads(record.read_bytes())
        yield from ((path, f"{content['name']} {content['version']}") for path in content["files"])


def _with_folders(part: Iterable[Entry], found: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return *part*, and the folders that it is in, in the order of *found*: parents come first."""
    wanted = {entry.path for entry in part}
    wanted |= {str(parent) for path in tuple(wanted) for parent in PurePosixPath(path).parents}
    return tuple(entry for entry in found if entry.path in wanted)


def _layer(
    name: str, found: tuple[Entry, ...], conda: FolderLayer, store: Store, progress: Progress
) -> Layer:
    key = f"{TRANSFORM} {zlib.ZLIB_RUNTIME_VERSION} {conda.digest} {conda.target} {name}"
    kept = store.read_entry(_KIND, key)
    facts = LayerFacts.decode(kept) if kept is not None else None
    if facts is None or not store.path(facts.digest).is_file():
        size_bytes = sum(entry.size_bytes for entry in found if isinstance(entry, File))
        with progress.transfer(name, size_bytes) as moved:
            plain = hashlib.sha256()
            digest = store.add(_compressed(archive(conda.target, found), plain, moved))
        diff_id = Digest(plain.hexdigest())
        facts = LayerFacts(digest, store.path(digest).stat().st_size, diff_id)
        store.write_entry(_KIND, key, facts.encode())
    descriptor = Descriptor(media_types.TAR_GZIP, facts.digest, facts.size_bytes)
    blob = FileBlob(store.path(facts.digest))
    return Layer(descriptor, facts.diff_id, blob, f"lading: {name} in {conda.target}")


def _compressed(
    chunks: Iterable[bytes], plain: "hashlib._Hash", moved: Callable[[int], None]
) -> Iterator[bytes]:
    """Yield *chunks* as one gzip member, and add them to *plain*."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc32, size_bytes = 0, 0
    yield HEADER
    for chunk in chunks:
        crc32, size_bytes = zlib.crc32(chunk, crc32), size_bytes + len(chunk)
        plain.update(chunk)
        moved(len(chunk))
        yield compressor.compress(chunk)
    yield compressor.flush()
    yield trailer(crc32, size_bytes)
