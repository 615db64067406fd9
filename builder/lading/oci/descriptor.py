"""What a manifest says of a blob: its kind, digest and size (OCI image specification, ``descriptor.md``)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage

_KNOWN = {"mediaType", "digest", "size", "annotations", "platform", "artifactType"}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Names some bytes."""

    media_type: str
    digest: Digest
    size_bytes: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    platform: Platform | None = None
    """Of the image behind it, in an index."""

    variant: str | None = None
    """Of the platform's processor, such as ``v8``."""

    artifact_type: str | None = None

    others: Mapping[str, Any] = field(default_factory=dict)
    """Members that Lading does not read (``urls``, ``data``, …); they are written again."""

    @classmethod
    def of(cls, media_type: str, data: bytes) -> Self:
        """Return the descriptor of *data*."""
        return cls(media_type, Digest.of(data), len(data))

    @classmethod
    def parse(cls, document: Any) -> Self:
        """Return the descriptor that a JSON value writes.

        Raises:
            InvalidImage: it is none.
        """
        try:
            platform = document.get("platform") or {}
            return cls(
                media_type=str(document["mediaType"]),
                digest=Digest.parse(document["digest"]),
                size_bytes=_size(document["size"]),
                annotations=dict(document.get("annotations") or {}),
                platform=Platform(platform["os"], platform["architecture"]) if platform else None,
                variant=platform.get("variant"),
                artifact_type=document.get("artifactType"),
                others={key: value for key, value in document.items() if key not in _KNOWN},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidImage(f"an image's descriptor cannot be read: {error}") from error

    def document(self) -> dict[str, Any]:
        """Return it as a JSON value; what is empty is left out."""
        platform = None
        if self.platform is not None:
            platform = {"os": self.platform.os, "architecture": self.platform.architecture}
            platform |= {"variant": self.variant} if self.variant else {}
        members = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size_bytes,
            "annotations": dict(self.annotations),
            "platform": platform,
            "artifactType": self.artifact_type,
        }
        return {key: value for key, value in members.items() if value not in (None, {})} | dict(self.others)

    def annotated(self, annotations: Mapping[str, str]) -> Self:
        """Return it with more annotations."""
        return replace(self, annotations={**self.annotations, **annotations})


EMPTY_JSON = b"{}"
"""The content of the empty descriptor: the configuration of what has none."""


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"no size: {value!r}")
    return value


def data_of(descriptor: Descriptor) -> bytes | None:
    """Return the bytes that a descriptor carries itself, if it does and they are right."""
    text = descriptor.others.get("data")
    try:
        data = base64.b64decode(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return data if data is not None and Digest.of(data) == descriptor.digest else None
