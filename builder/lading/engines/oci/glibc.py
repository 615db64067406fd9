"""Which C library a base has: wheels were chosen for the one that an image was built on."""

import re
import tarfile
from collections.abc import Sequence
from typing import IO

from lading.errors import InvalidImage
from lading.oci.chunks import ChunkReader
from lading.oci.decompress import uncompressed
from lading.oci.image import Layer, chain_ids
from lading.store import Store

Version = tuple[int, int]

_ENTRY = "base-glibc"
_SUITE = re.compile(r"(?:debian:|debian\.sh .*')(bullseye|bookworm|trixie)\b")
"""In what the lowest layer says of itself: Lading's Debian bases, and the official images of Debian."""

_OF_SUITE: dict[str, Version] = {"bullseye": (2, 31), "bookworm": (2, 36), "trixie": (2, 41)}
"""A suite keeps its C library for life; only fixes come."""

_LIBRARY = re.compile(r"(?:.*/)?(?:libc\.so\.6|libc-2\.\d+\.so)")
_BANNER = re.compile(rb"GNU C Library[^\n]* version (\d+)\.(\d+)")
_PIECE_BYTES = 1 << 16


def glibc_of(layers: Sequence[Layer], store: Store) -> Version | None:
    """Return the version of the C library in a base; None where it has none of GNU's.

    What Debian's suites have is known. Of others the layers are read from the lowest until the library is
    found, once: the answer is kept.

    Args:
        layers: of the base, oldest first.
        store: keeps answers.

    Raises:
        LadingError: a layer cannot be read.
    """
    suite = next((match[1] for layer in layers[:1] if (match := _SUITE.search(layer.created_by))), None)
    if suite is not None:
        return _OF_SUITE[suite]
    key = " ".join(["1", *map(str, chain_ids([layer.diff_id for layer in layers])[-1:])])
    kept = store.read_entry(_ENTRY, key)
    if kept is None:
        found = next((version for layer in layers if (version := _in_layer(layer))), None)
        kept = ".".join(map(str, found or ())).encode()
        store.write_entry(_ENTRY, key, kept)
    major, _, minor = kept.decode().partition(".")
    return (int(major), int(minor)) if major else None


def _in_layer(layer: Layer) -> Version | None:
    try:
        with tarfile.open(fileobj=ChunkReader(uncompressed(layer)), mode="r|") as archive:
            for entry in archive:
                file = (
                    archive.extractfile(entry) if entry.isreg() and _LIBRARY.fullmatch(entry.name) else None
                )
                if file is not None and (version := _in_library(file)):
                    return version
    except tarfile.TarError as error:
        raise InvalidImage(f"the layer {layer.descriptor.digest} is no tar archive: {error}") from error
    return None


def _in_library(file: IO[bytes]) -> Version | None:
    """Return the version that a C library says of itself."""
    seen = b""
    while piece := file.read(_PIECE_BYTES):
        seen = seen[-256:] + piece
        if match := _BANNER.search(seen):
            return int(match[1]), int(match[2])
    return None
