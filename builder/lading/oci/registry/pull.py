"""Reads an image from a registry: its manifest and configuration now, its layers when somebody asks."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage, RegistryError
from lading.oci import media_types
from lading.oci.blob import Blob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index, Layer
from lading.oci.manifest import created_by_of
from lading.oci.registry import platforms
from lading.oci.registry.repository import Manifest

_FOREIGN = {
    "application/vnd.docker.image.rootfs.foreign.diff.tar": media_types.TAR,
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": media_types.TAR_GZIP,
}
_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1."


@dataclass(frozen=True, slots=True)
class Pulled:
    """An image in a registry."""

    image: Image

    digest: Digest
    """Of what the reference named: the index, where it is one."""


class Source(Protocol):
    """Gives parts of an image by digest, verified."""

    def manifest(self, reference: Digest | str) -> Manifest | None:
        """Return a manifest or index; None where there is none."""
        ...

    def small_blob(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a configuration."""
        ...

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a layer's bytes, which are not read yet."""
        ...


def read_image(source: Source, name: str, reference: Digest | str, platform: Platform) -> Pulled:
    """Return the image for *platform* behind *reference*.

    Args:
        source: has it.
        name: of the image, for errors.
        reference: a tag or digest.
        platform: chooses from an index; an image that is not for it is refused.

    Raises:
        InvalidImage: it is none, or none for the platform.
        DigestMismatch: a part is not what its digest says.
        RegistryError: there is none, or it cannot be read.
    """
    top = _require(source.manifest(reference), name, reference)
    manifest = top
    if top.descriptor.media_type in media_types.INDEXES:
        chosen = _chosen(top, name, platform)
        manifest = _require(source.manifest(chosen.digest), name, chosen.digest)
    image = _image(source, name, manifest)
    if image.config.platform != platform:
        raise InvalidImage(
            f"{name} is for {image.config.platform}, not for {platform}",
            hint="use --platform or --base-image",
        )
    return Pulled(image, top.descriptor.digest)


def read_every_image(source: Source, name: str, reference: Digest | str) -> Image | Index:
    """Return what is behind *reference*, for all its platforms; its layers are read when somebody asks.

    Args:
        source: has it.
        name: of the image, for errors.
        reference: a tag or digest.

    Raises:
        InvalidImage: it is no image.
        DigestMismatch: a part is not what its digest says.
        RegistryError: there is none, or it cannot be read.
    """
    top = _require(source.manifest(reference), name, reference)
    if top.descriptor.media_type not in media_types.INDEXES:
        return _image(source, name, top)
    entries = [entry for entry in entries_of(top, name) if platforms.is_runnable(entry)]
    manifests = [_require(source.manifest(entry.digest), name, entry.digest) for entry in entries]
    images = tuple(_image(source, name, manifest) for manifest in manifests)
    if not images:
        raise InvalidImage(f"{name} is an index without images")
    return Index(images, _annotations(top.members))


def _image(source: Source, name: str, manifest: Manifest) -> Image:
    config_of, layers_of = _parts(manifest, name)
    config = Config.parse(source.small_blob(config_of))
    if len(config.diff_ids) != len(layers_of):
        raise InvalidImage(f"{name} has {len(layers_of)} layers, but configures {len(config.diff_ids)}")
    layers = tuple(
        Layer(_as_oci(found), diff_id, source.blob(found), created_by)
        for found, diff_id, created_by in zip(layers_of, config.diff_ids, created_by_of(config), strict=True)
    )
    return Image(config, layers, _annotations(manifest.members))


def is_foreign(layer: Descriptor) -> bool:
    """Whether a layer is one that registries are not meant to have, such as those of Windows."""
    return layer.media_type in _FOREIGN or layer.media_type.startswith(_NONDISTRIBUTABLE)


def _require(manifest: Manifest | None, name: str, reference: Digest | str) -> Manifest:
    if manifest is None:
        raise RegistryError(
            f"{name} is not in its registry: no {reference}", hint="check the name and the tag"
        )
    kind = manifest.descriptor.media_type
    members = manifest.members
    if members.get("schemaVersion") == 1 or kind.startswith(
        "application/vnd.docker.distribution.manifest.v1"
    ):
        raise InvalidImage(
            f"{name} is in Docker's format of before 2016 (schema 1), which has no digests of layers",
            hint="pull and push it once with a newer Docker, which rewrites it",
        )
    if not kind and "layers" in members:
        return replace(manifest, descriptor=replace(manifest.descriptor, media_type=media_types.MANIFEST))
    if not kind and "manifests" in members:
        return replace(manifest, descriptor=replace(manifest.descriptor, media_type=media_types.INDEX))
    if kind not in media_types.INDEXES | media_types.MANIFESTS:
        raise InvalidImage(f"{name} is no image: it is {kind!r}")
    return manifest


def entries_of(index: Manifest, name: str) -> list[Descriptor]:
    """Return what an index lists.

    Raises:
        InvalidImage: that cannot be read.
    """
    return _descriptors(index.members.get("manifests"), name)


def _chosen(index: Manifest, name: str, platform: Platform) -> Descriptor:
    entries = entries_of(index, name)
    chosen = platforms.choose(entries, platform)
    if chosen is None and any(entry.media_type in media_types.INDEXES for entry in entries):
        raise InvalidImage(f"{name} is an index of indexes")
    if chosen is None:
        raise InvalidImage(
            f"{name} is not for {platform}, but for {platforms.offered(entries)}",
            hint="use --platform or --base-image",
        )
    return chosen


def _parts(manifest: Manifest, name: str) -> tuple[Descriptor, list[Descriptor]]:
    if manifest.descriptor.media_type not in media_types.MANIFESTS:
        raise InvalidImage(f"{name} is an index of indexes")
    members = manifest.members
    config = Descriptor.parse(members.get("config"))
    if media_types.as_oci(config.media_type) != media_types.CONFIG:
        raise InvalidImage(f"{name} is no image that runs: its configuration is {config.media_type!r}")
    return config, _descriptors(members.get("layers"), name)


def _descriptors(values: Any, name: str) -> list[Descriptor]:
    if not isinstance(values, list):
        raise InvalidImage(f"{name} lists nothing")
    return [Descriptor.parse(value) for value in values]


def _annotations(members: dict[str, Any]) -> dict[str, str]:
    found = members.get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _as_oci(layer: Descriptor) -> Descriptor:
    """Return the descriptor with OCI's media type: one manifest never mixes the two families."""
    if (plain := _FOREIGN.get(layer.media_type)) is not None:
        suffix = plain.removeprefix("application/vnd.oci.image.layer.v1.")
        return replace(layer, media_type=_NONDISTRIBUTABLE + suffix)
    return replace(layer, media_type=media_types.as_oci(layer.media_type))
