"""Archives that are written to a file or a stream."""

import errno
import io
import os
import sys
from pathlib import Path

import pytest
from lading.digest import Digest
from lading.engines.oci.outputs.archive import ArchiveOutput, StreamOutput
from lading.environment import Platform
from lading.errors import DigestMismatch, OutputFailed
from lading.oci.archive_reading import ArchiveFile
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.image import Image, Layer
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import tar_layer
from tests.conftest import run

NAME = ImageRef.parse("iris:1")
AMD64 = Platform("linux", "amd64")


def image(*layers: Layer) -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


FIRST = image(tar_layer({"a": b"first"}))
GOOD = tar_layer({"a": b"second"})
BROKEN = image(Layer(GOOD.descriptor, GOOD.diff_id, BytesBlob(b"wrong")))


def test_the_old_archive_is_replaced_by_a_whole_one(tmp_path):
    """While the new one is written, the old one is there; a layer that breaks changes nothing."""
    path = tmp_path / "image.tar"
    output = ArchiveOutput(path, Silent())
    output.write(FIRST, (NAME,))
    before = path.read_bytes()

    with pytest.raises(DigestMismatch):
        output.write(BROKEN, (NAME,))
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])

    output.write(image(GOOD), (NAME,))
    assert ArchiveFile.open(path).find_in_layout("1", AMD64).image.id == image(GOOD).id


def test_a_link_stays_a_link(tmp_path):
    """What it points to is replaced."""
    (tmp_path / "link.tar").symlink_to("image.tar")

    ArchiveOutput(tmp_path / "link.tar", Silent()).write(FIRST, (NAME,))

    assert (tmp_path / "link.tar").is_symlink()
    assert ArchiveFile.open(tmp_path / "image.tar").is_docker


def test_a_device_is_written_to(tmp_path):
    """``dest=/dev/stdout`` must not put a file in the place of the device."""
    target = tmp_path / "null"
    target.symlink_to("/dev/null")

    ArchiveOutput(target, Silent()).write(FIRST, (NAME,))

    assert target.is_char_device()


@pytest.mark.parametrize(("place", "message"), [("missing/image.tar", "make the folder"), (".", "is a dir")])
def test_a_place_that_cannot_be_written_is_told(tmp_path, place, message):
    """The error says what to do."""
    with pytest.raises(OutputFailed, match=message):
        ArchiveOutput(tmp_path / place, Silent()).write(FIRST, (NAME,))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    """Nothing is left of the archive."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed, match=r"no space left.*free some space"):
        ArchiveOutput(tmp_path / "image.tar", Silent()).write(FIRST, (NAME,))

    assert list(tmp_path.iterdir()) == []


def test_a_stream_gets_the_same_bytes(tmp_path):
    """Standard output, say."""
    ArchiveOutput(tmp_path / "image.tar", Silent()).write(FIRST, (NAME,))
    stream = io.BytesIO()

    StreamOutput(stream, Silent()).write(FIRST, (NAME,))

    assert Digest.of(stream.getvalue()) == Digest.of_file(tmp_path / "image.tar")


def test_a_reader_that_goes_away_is_told():
    """As of ``| head``."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe, pytest.raises(OutputFailed, match="broken pipe"):
        StreamOutput(pipe, Silent()).write(FIRST, (NAME,))


def test_a_device_that_is_full_is_told():
    """With the kernel's own error."""
    with pytest.raises(OutputFailed, match=r"'/dev/full': no space left.*free some space"):
        ArchiveOutput(Path("/dev/full"), Silent()).write(FIRST, (NAME,))


LARGE = """
import hashlib
from pathlib import Path
from lading.digest import Digest
from lading.oci import media_types
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.docker_load import load_chunks
from lading.oci.image import Image, Layer
from lading.engines.oci.outputs.archive import ArchiveOutput
from lading.progress import Silent

CHUNK, COUNT = bytes(1 << 20), 1 << 10

class Zeros:
    def chunks(self, start_bytes=0):
        yield from (CHUNK for _ in range(COUNT))

sha256 = hashlib.sha256()
for chunk in Zeros().chunks():
    sha256.update(chunk)
digest = Digest(sha256.hexdigest())
layer = Layer(Descriptor(media_types.TAR, digest, len(CHUNK) * COUNT), digest, Zeros())
config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}
image = Image(Config(config), ()).with_layers([layer])
ArchiveOutput(Path("/dev/null"), Silent()).write(image, ())
assert sum(map(len, load_chunks(image, (), 0, Silent()))) > len(CHUNK) * COUNT
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""
"""The kernel counts the memory of who starts a process into its ``ru_maxrss``."""


def test_a_large_layer_takes_no_memory():
    """A gigabyte goes through an archive, and to an engine, in less than 100 MB."""
    assert int(run(sys.executable, "-c", LARGE)) < 100
