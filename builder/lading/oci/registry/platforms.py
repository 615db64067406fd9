"""Which image of an index is for a platform."""

from collections.abc import Sequence

from lading.environment import Platform
from lading.oci import media_types
from lading.oci.descriptor import Descriptor

_USUAL = {"amd64": "v1", "arm64": "v8"}
"""The variant that a name without one stands for (containerd's ``platforms.Normalize``)."""


def choose(entries: Sequence[Descriptor], platform: Platform) -> Descriptor | None:
    """Return the entry for *platform*, the first where there are several; None where there is none.

    Only the usual variant of a processor is taken: any other may have instructions that this one has not.
    """
    return next((entry for entry in entries if _fits(entry, platform)), None)


def offered(entries: Sequence[Descriptor]) -> str:
    """Return the platforms of an index, for messages; attestations have none."""
    names = {str(entry.platform) for entry in entries if entry.platform is not None}
    return ", ".join(sorted(names - {"unknown/unknown"})) or "none"


def is_runnable(entry: Descriptor) -> bool:
    """Whether an entry of an index is an image, and no attestation of one."""
    return entry.media_type in media_types.MANIFESTS and str(entry.platform) != "unknown/unknown"


def _fits(entry: Descriptor, platform: Platform) -> bool:
    usual = _USUAL.get(platform.architecture)
    is_image = entry.media_type in media_types.MANIFESTS
    return is_image and entry.platform == platform and (entry.variant or usual) == usual
