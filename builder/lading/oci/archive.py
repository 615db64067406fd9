"""Images in one file: a tar archive that is an OCI layout and what ``docker load`` reads, both at once.

    oci-layout  index.json            for Podman, skopeo, containerd and Docker's containerd store
    manifest.json                     for Docker's own store, any version: names blobs of the layout
    blobs/sha256/<hex>                everything that the images are made of, once

``manifest.json`` cannot tell platforms apart, so an index of several images has none. The archive is not
compressed, as its layers are; the same images and names are the same bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from lading.digest import Digest
from lading.oci import document
from lading.oci.chunks import counted
from lading.oci.contents import images, parts
from lading.oci.entries import encode_index, entries_of
from lading.oci.image import Image, Index
from lading.oci.reading import VERSION
from lading.oci.tar import END, Kind, TarEntry, padding
from lading.progress import Progress, Silent
from lading.reference import ImageRef

_BLOBS = "blobs/sha256"


def archive_chunks(
    made: Image | Index, refs: Sequence[ImageRef], progress: Progress | None = None
) -> Iterator[bytes]:
    """Yield an archive of *made*, under all of *refs*.

    Raises:
        DigestMismatch: a layer has other bytes than its digest says; the archive is then incomplete.
        LadingError: a layer cannot be read.
    """
    yield from _documents(made, refs)
    yield _folder("blobs") + _folder(_BLOBS)
    for part in reversed(parts(made)):  # what a reader needs first is first
        size_bytes = part.descriptor.size_bytes
        yield header(blob_path(part.descriptor.digest), size_bytes)
        with (progress or Silent()).transfer(part.name, size_bytes) as advance:
            yield from counted(part.chunks(), advance)
        yield padding(size_bytes)
    yield END


def blob_path(digest: Digest) -> str:
    """Return the path of a blob in an archive."""
    return f"{_BLOBS}/{digest.hex}"


def docker_manifest(image: Image, layers: Sequence[str], refs: Sequence[ImageRef]) -> bytes:
    """Return a ``manifest.json`` of one image (``moby/image/spec/v1.2.md``).

    Args:
        image: the image.
        layers: the paths of its layers, oldest first.
        refs: its names.
    """
    tags = [f"{ref.repository}:{ref.tag}" for ref in refs]
    entry: dict[str, Any] = {"Config": blob_path(image.id), "RepoTags": tags, "Layers": list(layers)}
    return b"[" + document.encode(entry) + b"]"


def small_file(path: str, data: bytes) -> bytes:
    """Return a whole file of an archive."""
    return header(path, len(data)) + data + padding(len(data))


def header(path: str, size_bytes: int) -> bytes:
    """Return what stands before the contents of a file."""
    return TarEntry(path, size_bytes=size_bytes).header()


def _documents(made: Image | Index, refs: Sequence[ImageRef]) -> Iterator[bytes]:
    yield small_file("oci-layout", VERSION)
    yield small_file("index.json", encode_index(entries_of(made.descriptor, refs)))
    if len(images(made)) == 1:
        (image,) = images(made)
        layers = [blob_path(layer.descriptor.digest) for layer in image.layers]
        yield small_file("manifest.json", docker_manifest(image, layers, refs))


def _folder(path: str) -> bytes:
    return TarEntry(path, Kind.FOLDER, mode=0o755).header()
