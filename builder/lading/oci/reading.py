"""One image out of a layout, be that a folder or an archive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import BuildFailed, InvalidImage
from lading.oci import document, media_types, names
from lading.oci.blob import Blob
from lading.oci.descriptor import Descriptor
from lading.oci.entries import find
from lading.oci.image import Image, Index
from lading.oci.manifest import (
    MAX_BYTES,
    MAX_DEPTH,
    choose,
    config_descriptor,
    read_image,
    read_index,
    require,
)

VERSION = document.encode({"imageLayoutVersion": "1.0.0"})
"""The content of ``oci-layout``."""

BlobOf = Callable[[Descriptor], Blob]
"""Gives where the bytes of a descriptor are; raises `InvalidImage` where they are missing."""


@dataclass(frozen=True, slots=True)
class Found:
    """An image that was read."""

    image: Image

    digest: Digest | None
    """Of the manifest as it was read; None where the format has none."""


def find_image(index: bytes, wanted: str | None, platform: Platform, blob_of: BlobOf) -> Found:
    """Return the image called *wanted* for *platform*.

    Args:
        index: the layout's ``index.json``.
        wanted: a tag or whole name; None for the only image.
        platform: what it must run on.
        blob_of: reads the layout's blobs.

    Raises:
        BuildFailed: there is none.
        InvalidImage: the layout is damaged.
    """
    descriptor = _resolve(find(read_index(index), wanted), platform, blob_of)
    image = _image(descriptor, blob_of)
    require_platform(image, platform)
    return Found(image, descriptor.digest)


@dataclass(frozen=True, slots=True)
class FoundForAll:
    """What a name stands for, whatever it runs on."""

    made: Image | Index
    name: str | None
    """Its whole name, as containerd writes it; None where it has only a tag, or nothing."""


def find_every_image(index: bytes, wanted: str | None, blob_of: BlobOf) -> FoundForAll:
    """Return the image called *wanted*, for all its platforms (the arguments are those of `find_image`).

    Raises:
        BuildFailed: there is none.
        InvalidImage: the layout is damaged.
    """
    entries = find(read_index(index), wanted)
    name = entries[0].annotations.get(names.FULL_NAME)
    if len(entries) == 1 and entries[0].media_type not in media_types.INDEXES:
        return FoundForAll(_image(entries[0], blob_of), name)
    if len(entries) == 1:
        entries = read_index(read_document(entries[0], blob_of))
    every = [entry for entry in entries if str(entry.platform) != "unknown/unknown"]  # attestations
    if not every:
        raise InvalidImage("it is an index without images")
    return FoundForAll(Index(tuple(_image(entry, blob_of) for entry in every)), name)


def _image(descriptor: Descriptor, blob_of: BlobOf) -> Image:
    manifest = read_document(descriptor, blob_of)
    config = read_document(config_descriptor(manifest), blob_of)
    return read_image(manifest, config, blob_of)


def require_platform(image: Image, platform: Platform) -> None:
    """Do nothing where *image* is for *platform*.

    Raises:
        BuildFailed: it is for another one.
    """
    if image.config.platform != platform:
        raise BuildFailed(
            f"it is for {image.config.platform}, not for {platform}", hint="use --platform or --base-image"
        )


def require_version(data: bytes) -> None:
    """Do nothing where *data*, an ``oci-layout``, tells of a version that Lading reads.

    Raises:
        InvalidImage: it does not.
    """
    version = document.decode(data, "the file oci-layout").get("imageLayoutVersion")
    if not str(version).startswith("1."):
        raise InvalidImage(f"an OCI layout of version {version!r} is not known", hint="version 1 is read")


def read_document(descriptor: Descriptor, blob_of: BlobOf) -> bytes:
    """Return the verified bytes of a manifest, index or configuration.

    Raises:
        InvalidImage: they are missing, damaged or too many.
    """
    if descriptor.size_bytes > MAX_BYTES:
        raise InvalidImage(f"{descriptor.digest} is too large for a {descriptor.media_type}")
    return require(b"".join(blob_of(descriptor).chunks()), descriptor)


def _resolve(entries: Sequence[Descriptor], platform: Platform, blob_of: BlobOf) -> Descriptor:
    """Return the manifest for *platform*, through indexes of indexes."""
    for _ in range(MAX_DEPTH):
        chosen = choose(entries, platform)
        if chosen is None:
            has = sorted({str(entry.platform) for entry in entries if entry.platform})
            raise BuildFailed(
                f"it has no image for {platform}",
                hint=f"it has: {', '.join(has) or 'nothing that can be run'}",
            )
        if chosen.media_type not in media_types.INDEXES:
            return chosen
        entries = read_index(read_document(chosen, blob_of))
    raise InvalidImage("its indexes are nested too deeply")
