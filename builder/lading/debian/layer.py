"""A root file system → layers in the store, the same bytes anywhere."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lading.digest import Digest
from lading.errors import DigestMismatch
from lading.oci import media_types
from lading.oci.blob import FileBlob
from lading.oci.compress import compressed
from lading.oci.descriptor import Descriptor
from lading.oci.image import Layer
from lading.oci.tar import END, Kind, TarEntry, padding
from lading.store import Store

if TYPE_CHECKING:
    from lading.debian.root import Node, Root

_KIND = "debian-layer"


def find_layer(store: Store, key: str) -> Layer | None:
    """Return the layer that was made for *key*; None where it is not in the store any more."""
    value = store.read_entry(_KIND, key)
    if value is None:
        return None
    members = json.loads(value)
    digest = Digest.parse(members["digest"])
    return _layer(store, digest, members) if store.find(digest) else None


def make_layer(store: Store, key: str, root: "Root", created_by: str) -> Layer:
    """Write *root* as a layer, and remember it under *key*."""
    sha256 = hashlib.sha256()
    digest = store.add(compressed(_hashed(archive(root), sha256)))
    members = {
        "digest": str(digest),
        "diffId": f"sha256:{sha256.hexdigest()}",
        "mediaType": media_types.TAR_GZIP,
        "createdBy": created_by,
    }
    store.write_entry(_KIND, key, json.dumps(members, sort_keys=True).encode())
    return _layer(store, digest, members)


def _layer(store: Store, digest: Digest, members: Mapping[str, str]) -> Layer:
    path = store.path(digest)
    descriptor = Descriptor(members["mediaType"], digest, path.stat().st_size)
    return Layer(descriptor, Digest.parse(members["diffId"]), FileBlob(path), members["createdBy"])


def archive(root: "Root") -> Iterator[bytes]:
    """Yield *root* as a tar archive.

    Raises:
        DigestMismatch: a file has changed since *root* was made, as those of a host's interpreter may.
    """
    for path, node in root.sorted():
        yield _entry(path, node).header()
        if node.kind is Kind.FILE:
            yield from _contents(path, node)
            yield padding(node.size_bytes)
    yield END


def _contents(path: str, node: "Node") -> Iterator[bytes]:
    sha256 = hashlib.sha256()
    yield from _hashed(node.blob.chunks(), sha256)
    if sha256.hexdigest() != (node.digest and node.digest.hex):
        raise DigestMismatch(f"/{path} has changed while it was packed", hint="build again")


def _entry(path: str, node: "Node") -> TarEntry:
    return TarEntry(path, node.kind, node.size_bytes, node.mode, node.target, node.user_id, node.group_id)


def _hashed(chunks: Iterator[bytes], sha256: "hashlib._Hash") -> Iterator[bytes]:
    for chunk in chunks:
        sha256.update(chunk)
        yield chunk
