"""Layers of engines, which keep them without compression, made as small as registries want them.

Only images that have no manifest of their own come here: the layers of others are known to registries by
their digests, and stay as they are.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from lading.digest import Digest
from lading.oci import media_types
from lading.oci.blob import FileBlob
from lading.oci.chunks import counted
from lading.oci.compress import COMPRESSOR, compressed
from lading.oci.contents import Part
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer
from lading.progress import Progress
from lading.store import Store

_ENTRY = "packed-layer"
_AT_ONCE = 4
"""Hashing and compressing leave other threads alone; each takes a few megabytes of memory."""


def pack(image: Image, store: Store, progress: Progress) -> Image:
    """Return *image* with its layers compressed; each is compressed once and kept.

    Raises:
        DigestMismatch: a layer is damaged.
        LadingError: a layer cannot be read, or not be kept.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return replace(image, layers=tuple(pool.map(partial(_packed, store, progress), image.layers)))


def _packed(store: Store, progress: Progress, layer: Layer) -> Layer:
    if layer.descriptor.media_type != media_types.TAR:
        return layer
    digest = _kept(layer, store) or _pack(layer, store, progress)
    path = store.path(digest)
    descriptor = Descriptor(media_types.TAR_GZIP, digest, path.stat().st_size)
    return replace(layer, descriptor=descriptor, blob=FileBlob(path), tar_bytes=layer.descriptor.size_bytes)


def _kept(layer: Layer, store: Store) -> Digest | None:
    """Return the digest of the compressed layer where the store has it, hashed anew."""
    entry = store.read_entry(_ENTRY, _key(layer))
    digest = Digest.parse(entry.decode()) if entry is not None else None
    return digest if digest is not None and store.find(digest) is not None else None


def _pack(layer: Layer, store: Store, progress: Progress) -> Digest:
    part = Part(layer.descriptor, layer.blob)
    with progress.transfer(part.name, layer.descriptor.size_bytes) as advance:
        digest = store.add(compressed(counted(part.chunks(), advance)))
    store.write_entry(_ENTRY, _key(layer), str(digest).encode())
    return digest


def _key(layer: Layer) -> str:
    return f"{COMPRESSOR} {layer.diff_id}"
