"""Archives: a layout and what ``docker load`` reads, in one file."""

import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform
from lading.errors import DigestMismatch, InvalidImage, LadingError
from lading.oci import media_types
from lading.oci.archive import archive_chunks
from lading.oci.archive_reading import ArchiveFile
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index, Layer
from lading.reference import ImageRef

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
IRIS = ImageRef.parse("registry.example:5000/team/iris:1")


def layer(content: bytes) -> Layer:
    """Return a layer of some bytes, which need be no archive here."""
    return Layer(Descriptor.of(media_types.TAR, content), Digest.of(content), BytesBlob(content), "x")


def image(*contents: bytes, platform: Platform = AMD64) -> Image:
    """Return an image of such layers."""
    empty = {"os": platform.os, "architecture": platform.architecture, "rootfs": {"diff_ids": []}}
    return Image(Config(empty), ()).with_layers(list(map(layer, contents)))


def archive(made: Image | Index, *names: ImageRef) -> bytes:
    """Return an archive of *made*."""
    return b"".join(archive_chunks(made, names or (IRIS,)))


def files(data: bytes) -> dict[str, bytes]:
    """Return all files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return {each.name: opened.extractfile(each).read() for each in opened if each.isfile()}  # type: ignore[union-attr]


@given(st.lists(st.binary(max_size=2000), max_size=5), st.booleans())
@settings(deadline=None)
def test_what_is_written_is_read_back(contents, as_docker):
    """Any image comes out as it went in, by its index or by its manifest.json."""
    made = image(*contents)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        path.write_bytes(archive(made))
        opened = ArchiveFile.open(path)

        find, name = (opened.find_as_docker, str(IRIS)) if as_docker else (opened.find_in_layout, "1")
        found = find(name, AMD64)

        assert (found.image.id, found.image.descriptor) == (made.id, made.descriptor)
        assert [b"".join(each.blob.chunks()) for each in found.image.layers] == list(contents)


def test_equal_layers_are_written_once():
    """Names in an archive do not repeat, and both formats point to the one file."""
    with tarfile.open(fileobj=io.BytesIO(archive(image(b"same", b"same")))) as opened:
        names = opened.getnames()

    assert len(names) == len(set(names)) == 8


def test_names_are_what_each_reader_looks_for():
    """Docker's file has names with a tag, the index the tag and the whole name."""
    written = files(archive(image(b"1"), ImageRef.parse("iris:1@" + str(Digest.of(b"")))))

    (docker,) = json.loads(written["manifest.json"])
    (entry,) = json.loads(written["index.json"])["manifests"]
    assert docker["RepoTags"] == ["iris:1"]
    assert entry["annotations"] == {
        "org.opencontainers.image.ref.name": "1",
        "io.containerd.image.name": "docker.io/library/iris:1",
    }


def test_several_platforms_have_no_manifest_of_docker(tmp_path):
    """It cannot tell them apart; the index can."""
    made = Index((image(b"a"), image(b"b", platform=ARM64)))
    path = tmp_path / "image.tar"
    path.write_bytes(archive(made))

    opened = ArchiveFile.open(path)

    assert not opened.is_docker
    assert opened.find_in_layout(None, ARM64).image.descriptor == made.images[1].descriptor


def test_a_layer_that_changed_breaks_the_archive_off():
    """There is no end of archive after a wrong blob."""
    wrong = Layer(Descriptor.of(media_types.TAR, b"right"), Digest.of(b"right"), BytesBlob(b"wrong"))

    with pytest.raises(DigestMismatch):
        archive(Image(image().config, ()).with_layers([wrong]))


def test_an_archive_made_with_folders_before_names_is_read(tmp_path):
    """``tar -C layout -cf image.tar .`` writes ``./`` in front."""
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as changed:
        for name, data in files(archive(image(b"1"))).items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            changed.addfile(info, io.BytesIO(data))

    assert ArchiveFile.open(path).find_in_layout(None, AMD64).image.id == image(b"1").id


@given(st.data())
@settings(deadline=None)
def test_a_broken_archive_is_refused(data):
    """Cut or changed anywhere, it gives the image that was written, or a typed error."""
    made = image(b"1", b"22")
    whole = bytearray(archive(made))
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        whole[at] ^= data.draw(st.integers(1, 255))
    else:
        del whole[at:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        path.write_bytes(whole)
        try:
            opened = ArchiveFile.open(path)
            found = opened.find_in_layout(None, AMD64)
        except LadingError:
            return

        assert found.image.descriptor == made.descriptor


def test_what_is_no_archive_is_refused(tmp_path):
    """A compressed one as well, with what to do."""
    (tmp_path / "a").write_bytes(b"\x1f\x8b" + bytes(1000))

    with pytest.raises(InvalidImage, match="decompress it first"):
        ArchiveFile.open(tmp_path / "a")
    with pytest.raises(InvalidImage, match="no such file"):
        ArchiveFile.open(tmp_path / "b")
