"""All that an image or an index is made of, and bytes that are checked while they are read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from lading.digest import Digest
from lading.errors import DigestMismatch, InvalidImage
from lading.oci import media_types
from lading.oci.blob import Blob, BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index


@dataclass(frozen=True, slots=True)
class Part:
    """A blob and its name."""

    descriptor: Descriptor
    blob: Blob

    @property
    def name(self) -> str:
        """What people are told is moved."""
        return self.descriptor.digest.hex[:12]

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes; what was yielded is right only when this ends.

        Raises:
            DigestMismatch: they are not those of the descriptor.
            LadingError: they cannot be read.
        """
        sha256, left_bytes = hashlib.sha256(), self.descriptor.size_bytes
        try:
            for chunk in self.blob.chunks():
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    break
                sha256.update(chunk)
                yield chunk
        except OSError as error:  # of the blob; those of who writes the chunks do not come here
            raise unreadable(self.descriptor, error) from error
        digest = Digest(sha256.hexdigest())
        if left_bytes or digest != self.descriptor.digest:
            raise mismatch(self.descriptor, digest)


def mismatch(descriptor: Descriptor, digest: Digest) -> DigestMismatch:
    """Return the error of a blob with other bytes than its name says."""
    return DigestMismatch(
        f"the blob {descriptor.digest} has other bytes now ({digest})",
        hint="a file of it was changed or damaged; build again",
    )


def unreadable(descriptor: Descriptor, error: OSError) -> InvalidImage:
    """Return the error of a blob whose file cannot be read."""
    reason = (error.strerror or str(error)).lower()
    return InvalidImage(f"the blob {descriptor.digest} cannot be read: {reason}", hint="build again")


def parts(made: Image | Index) -> tuple[Part, ...]:
    """Return each blob of *made* once, those that others name before these; the last is *made* itself."""
    found: dict[Digest, Part] = {}
    for image in images(made):
        for layer in image.layers:
            found.setdefault(layer.descriptor.digest, Part(layer.descriptor, layer.blob))
        for media_type, data in (
            (media_types.CONFIG, image.config_bytes),
            (media_types.MANIFEST, image.manifest_bytes),
        ):
            part = Part(Descriptor.of(media_type, data), BytesBlob(data))
            found.setdefault(part.descriptor.digest, part)
    if isinstance(made, Index):
        found[made.descriptor.digest] = Part(made.descriptor, BytesBlob(made.index_bytes))
    return tuple(found.values())


def images(made: Image | Index) -> tuple[Image, ...]:
    """Return the images of *made*."""
    match made:
        case Image():
            return (made,)
        case Index():
            return made.images
        case _:
            assert_never(made)
