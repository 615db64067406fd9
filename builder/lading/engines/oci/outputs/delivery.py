"""Brings a finished image to its places, and tells of it."""

from collections.abc import Iterable, Sequence

from lading.digest import Digest
from lading.engines.oci.outputs.output import Output
from lading.image import BuiltImage
from lading.layer import BuiltLayer
from lading.oci.image import Image, Index
from lading.progress import Progress
from lading.reference import ImageRef


def deliver(
    made: Image | Index, names: Sequence[ImageRef], outputs: Iterable[Output], progress: Progress
) -> BuiltImage:
    """Bring *made* to all of *outputs*, under all of *names*; return what is told of it.

    Raises:
        LadingError: a place does not take it; its names stand for what they did before.
    """
    has_digest = False
    for output in outputs:
        with progress.step(output.title):
            output.write(made, tuple(names))
        has_digest |= output.is_by_digest
    return describe(made, names, made.descriptor.digest if has_digest else None)


def describe(made: Image | Index, names: Sequence[ImageRef], digest: Digest | None) -> BuiltImage:
    """Return what is told of a finished image that has *digest* where it is; of an index, all together."""
    images = made.images if isinstance(made, Index) else (made,)
    layers = [layer for image in images for layer in image.layers]
    return BuiltImage(
        names=tuple(names),
        id=images[0].id,
        digest=digest,
        size_bytes=sum({layer.descriptor.digest: layer.descriptor.size_bytes for layer in layers}.values()),
        layers=tuple(
            BuiltLayer(layer.descriptor.digest, layer.descriptor.size_bytes, layer.created_by)
            for layer in layers
        ),
        seconds={},
    )
