"""A finished image."""

from collections.abc import Mapping
from dataclasses import dataclass

from lading.digest import Digest
from lading.layer import BuiltLayer
from lading.reference import ImageRef


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """What an engine made; ``--json`` prints it."""

    names: tuple[ImageRef, ...]

    id: Digest
    """The digest of the image's configuration."""

    digest: Digest | None
    """The digest of its manifest; None where the engine knows it only after a push."""

    size_bytes: int

    layers: tuple[BuiltLayer, ...]
    """Oldest first, those of the base included."""

    seconds: Mapping[str, float]
    """How long each step took, in the order of the steps."""
