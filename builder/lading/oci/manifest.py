"""Images as they are read: manifests, and indexes of them (``manifest.md``, ``image-index.md``)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage
from lading.oci import document, media_types
from lading.oci.blob import Blob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer

MAX_BYTES = 4 << 20
"""Of a manifest, an index or a configuration: what registries take at least (distribution specification)."""

MAX_DEPTH = 8
"""Of indexes within indexes; nobody nests more than one, and a circle cannot be written."""

_NORMAL_VARIANTS = {("amd64", "v1"), ("arm64", "v8")}
"""What every processor of the architecture is at least; it is written or left out."""


def read_image(manifest: bytes, config: bytes, blob_of: Callable[[Descriptor], Blob]) -> Image:
    """Return the image of a manifest and the configuration that it names; Docker's kinds become OCI's.

    Args:
        manifest: verified bytes.
        config: verified bytes.
        blob_of: where the bytes of a layer are.

    Raises:
        InvalidImage: they are no image, or they contradict each other.
    """
    members, parsed = document.decode(manifest, "the manifest"), Config.parse(config)
    described, diff_ids = _layers(members), parsed.diff_ids
    if len(described) != len(diff_ids):
        raise InvalidImage(
            f"the manifest has {len(described)} layers, the configuration {len(diff_ids)}",
            hint="this is no image that can be run",
        )
    layers = tuple(
        Layer(layer, diff_id, blob_of(layer), created_by)
        for layer, diff_id, created_by in zip(described, diff_ids, created_by_of(parsed), strict=True)
    )
    annotations = members.get("annotations")
    return Image(parsed, layers, annotations if isinstance(annotations, dict) else {})


def config_descriptor(manifest: bytes) -> Descriptor:
    """Return what *manifest* says of its configuration.

    Raises:
        InvalidImage: it is no manifest of an image.
    """
    members = document.decode(manifest, "the manifest")
    if "config" not in members:
        raise InvalidImage("the manifest has no configuration", hint="old formats (schema 1) are not read")
    return Descriptor.parse(members["config"])


def read_index(index: bytes) -> tuple[Descriptor, ...]:
    """Return the entries of an index, in its order.

    Raises:
        InvalidImage: it is none.
    """
    entries = document.decode(index, "the index").get("manifests")
    if not isinstance(entries, list):
        raise InvalidImage("the index has no list of manifests")
    return tuple(map(Descriptor.parse, entries))


def choose(entries: Iterable[Descriptor], platform: Platform) -> Descriptor | None:
    """Return the first image for *platform*; an entry that names no platform is taken as a last resort."""
    known = [entry for entry in entries if media_types.as_oci(entry.media_type) in _IMAGES]
    fitting = [entry for entry in known if entry.platform == platform]
    plain = [entry for entry in fitting if is_normal_variant(platform, entry.variant)]
    unnamed = [entry for entry in known if entry.platform is None]
    return next(iter([*plain, *fitting, *unnamed]), None)


def is_normal_variant(platform: Platform, variant: str | None) -> bool:
    """Whether every processor of the platform's architecture has *variant*."""
    return variant is None or (platform.architecture, variant) in _NORMAL_VARIANTS


def created_by_of(config: Config) -> tuple[str, ...]:
    """Return what made each layer; empty texts where the history does not fit the layers."""
    written: tuple[Any, ...] = config.history
    history = [step for step in written if isinstance(step, Mapping)]
    steps = [str(step.get("created_by", "")) for step in history if not step.get("empty_layer")]
    count = len(config.diff_ids)
    return tuple(steps) if len(steps) == count else ("",) * count


def require(data: bytes, descriptor: Descriptor) -> bytes:
    """Return *data*, which are a document's bytes, if they are those of *descriptor*.

    Raises:
        InvalidImage: they are others.
    """
    if len(data) != descriptor.size_bytes or Digest.of(data) != descriptor.digest:
        raise InvalidImage(f"{descriptor.digest} has other bytes than its name says", hint="it was damaged")
    return data


def _layers(members: Mapping[str, Any]) -> tuple[Descriptor, ...]:
    entries = members.get("layers")
    if not isinstance(entries, list):
        raise InvalidImage("the manifest has no list of layers", hint="old formats (schema 1) are not read")
    parsed = map(Descriptor.parse, entries)
    return tuple(replace(layer, media_type=media_types.as_oci(layer.media_type)) for layer in parsed)


_IMAGES = {media_types.MANIFEST, media_types.INDEX}
