"""Names of images as containerd writes them, and as annotations of an index carry them."""

from collections.abc import Mapping

from lading.reference import ImageRef

TAG = "org.opencontainers.image.ref.name"
"""The tag of an index's entry; what Podman, skopeo and umoci look for (``annotations.md``)."""

FULL_NAME = "io.containerd.image.name"
"""The whole name of an index's entry; what containerd and Docker look for."""

DEFAULT_HOST = "docker.io"
"""Where an image without a host is, for every engine (``distribution/reference``)."""


def canonical(name: ImageRef) -> str:
    """Return a name with host and tag, as containerd stores it: without them it would hide the image."""
    host = name.host or DEFAULT_HOST
    is_official = host == DEFAULT_HOST and "/" not in name.path
    return f"{host}/{'library/' if is_official else ''}{name.path}:{name.tag}"


def annotations(name: ImageRef) -> Mapping[str, str]:
    """Return what an index says of an image with this name."""
    return {TAG: name.tag, FULL_NAME: canonical(name)}
