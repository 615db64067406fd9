"""Small images whose layers are real archives."""

import io
import random
import tarfile

from lading.digest import Digest
from lading.environment import Platform
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer

AMD64 = Platform("linux", "amd64")


def layer(content: bytes, name: str = "file") -> Layer:
    """Return a layer with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    data = buffer.getvalue()
    return Layer(Descriptor.of(media_types.TAR, data), Digest.of(data), BytesBlob(data), "COPY")


def image(*layers: Layer, architecture: str = "amd64", **run: object) -> Image:
    """Return an image of *layers*."""
    members = {
        "architecture": architecture,
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return Image(Config(members), ()).with_layers(layers)


def random_image(seed: int, sizes: tuple[int, ...] = (0, 1, 70_000)) -> Image:
    """Return an image of layers with random files of *sizes*, other ones for each seed."""
    source = random.Random(seed)
    return image(*(layer(source.randbytes(size), f"{seed}-{at}") for at, size in enumerate(sizes)))


def contents(made: Image) -> list[bytes]:
    """Return the bytes of all layers."""
    return [b"".join(each.blob.chunks()) for each in made.layers]
