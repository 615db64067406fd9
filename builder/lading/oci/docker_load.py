"""What is sent to a Docker-compatible engine: an image without the layers that it has already.

Docker's own store looks a layer up by its chain id before it opens the layer's file
(``daemon/internal/image/tarexport/load.go``), so the files of known layers need not be there. Layers go
without compression where their size is known: the engine would decompress them one after the other, in
one thread, and the image's id is the same.
"""

from collections.abc import Callable, Iterator, Sequence

from lading.oci import media_types
from lading.oci.archive import blob_path, docker_manifest, header, small_file
from lading.oci.chunks import counted
from lading.oci.contents import Part
from lading.oci.decompress import uncompressed
from lading.oci.image import Image, Layer
from lading.oci.tar import END, padding
from lading.progress import Progress
from lading.reference import ImageRef


def load_chunks(
    image: Image, refs: Sequence[ImageRef], known_layers: int, progress: Progress
) -> Iterator[bytes]:
    """Yield an archive for ``docker load`` without the lowest *known_layers* layers.

    Raises:
        DigestMismatch: a layer is damaged; the archive is then incomplete, and no engine takes it.
        LadingError: a layer cannot be read.
    """
    paths = [blob_path(layer.diff_id) for layer in image.layers]
    yield small_file("manifest.json", docker_manifest(image, paths, refs))
    yield small_file(blob_path(image.id), image.config_bytes)
    missing = {layer.diff_id: layer for layer in image.layers[known_layers:]}
    for layer in missing.values():
        yield from _file(layer, progress)
    yield END


def _file(layer: Layer, progress: Progress) -> Iterator[bytes]:
    size_bytes, chunks = _contents(layer)
    yield header(blob_path(layer.diff_id), size_bytes)
    with progress.transfer(layer.diff_id.hex[:12], size_bytes) as advance:
        yield from counted(chunks(), advance)
    yield padding(size_bytes)


def _contents(layer: Layer) -> tuple[int, Callable[[], Iterator[bytes]]]:
    """Return the size of what is sent of a layer, and what yields that."""
    if layer.descriptor.media_type == media_types.TAR_ZSTD:  # which Docker reads only since version 23
        return sum(map(len, uncompressed(layer))), lambda: uncompressed(layer)
    if layer.descriptor.media_type == media_types.TAR or layer.tar_bytes is None:
        return layer.descriptor.size_bytes, Part(layer.descriptor, layer.blob).chunks
    return layer.tar_bytes, lambda: uncompressed(layer)
