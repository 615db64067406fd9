"""An image: a configuration and layers, whose bytes may be anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lading.digest import Digest
from lading.oci import document, media_types
from lading.oci.blob import Blob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor

MAX_LAYERS = 127
"""containerd and Docker's overlay driver mount no more (``man mount`` limits the options to a page)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image."""

    descriptor: Descriptor
    """Of the blob, as it is stored."""

    diff_id: Digest
    """The digest of the tar archive without compression."""

    blob: Blob
    created_by: str = ""
    """What made it, for the image's history."""

    tar_bytes: int | None = None
    """The size of the archive without compression, where it is known: engines take that faster."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform."""

    config: Config
    layers: tuple[Layer, ...]
    """Oldest first."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the manifest."""

    @property
    def config_bytes(self) -> bytes:
        """The configuration as it is stored; its digest is the image's id."""
        return self.config.encode()

    @property
    def id(self) -> Digest:
        """What engines call the image."""
        return Digest.of(self.config_bytes)

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest as it is stored."""
        members = {
            "schemaVersion": 2,
            "mediaType": media_types.MANIFEST,
            "config": Descriptor.of(media_types.CONFIG, self.config_bytes).document(),
            "layers": [layer.descriptor.document() for layer in self.layers],
            "annotations": dict(self.annotations),
        }
        return document.encode({key: value for key, value in members.items() if value != {}})

    @property
    def descriptor(self) -> Descriptor:
        """What an index says of this image."""
        plain = Descriptor.of(media_types.MANIFEST, self.manifest_bytes)
        return replace(plain, platform=self.config.platform, variant=self.config.variant)

    def with_layers(self, layers: Sequence[Layer]) -> Self:
        """Return this image with other layers; the configuration tells of them."""
        diff_ids = [layer.diff_id for layer in layers]
        config = self.config.of_layers(diff_ids, [layer.created_by for layer in layers])
        return replace(self, config=config, layers=tuple(layers))


@dataclass(frozen=True, slots=True)
class Index:
    """The same image for several platforms."""

    images: tuple[Image, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def index_bytes(self) -> bytes:
        """The index as it is stored."""
        members: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media_types.INDEX,
            "manifests": [image.descriptor.document() for image in self.images],
        }
        if self.annotations:
            members["annotations"] = dict(self.annotations)
        return document.encode(members)

    @property
    def descriptor(self) -> Descriptor:
        """What an index of indexes says of this one."""
        return Descriptor.of(media_types.INDEX, self.index_bytes)


def chain_ids(diff_ids: Sequence[Digest]) -> tuple[Digest, ...]:
    """Return the name of each stack of layers, from the lowest alone to all of them (``config.md``)."""
    chain: list[Digest] = []
    for diff_id in diff_ids:
        chain.append(Digest.of(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return tuple(chain)
