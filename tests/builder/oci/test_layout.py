"""Layouts: what is written is read back, and a failure leaves what was there."""

import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform
from lading.errors import BuildFailed, DigestMismatch, InvalidImage, LadingError, OutputFailed
from lading.oci import media_types
from lading.oci.blob import Blob, BytesBlob, FileBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index, Layer
from lading.oci.layout import Layout
from lading.reference import ImageRef
from lading.store import Store

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
IRIS = ImageRef.parse("iris:1")


def layer(content: bytes, blob: Blob | None = None) -> Layer:
    """Return a layer of some bytes, which need be no archive here."""
    return Layer(Descriptor.of(media_types.TAR, content), Digest.of(content), blob or BytesBlob(content), "x")


def image(*layers: Layer, platform: Platform = AMD64) -> Image:
    """Return an image of layers."""
    empty = {"os": platform.os, "architecture": platform.architecture, "rootfs": {"diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(st.lists(st.binary(max_size=2000), max_size=5), st.sampled_from([AMD64, ARM64]))
@settings(deadline=None)  # a disk takes its time to flush
def test_what_is_written_is_read_back(data, platform):
    """Any image comes out of a layout as it went in, its layers byte by byte."""
    made = image(*map(layer, data), platform=platform)
    with tempfile.TemporaryDirectory() as folder:
        Layout(Path(folder)).write(made, [IRIS])

        found = Layout(Path(folder)).find("1", platform)

        assert (found.image.descriptor, found.digest) == (made.descriptor, made.descriptor.digest)
        assert [b"".join(each.blob.chunks()) for each in found.image.layers] == data


def test_other_images_of_a_layout_stay(tmp_path):
    """Entries and blobs of other writers are kept, with members that Lading does not know."""
    first, second = image(layer(b"1")), image(layer(b"2"))
    Layout(tmp_path).write(first, [IRIS])
    index = json.loads((tmp_path / "index.json").read_text())
    index["annotations"] = {"made by": "somebody"}
    index["manifests"][0]["urls"] = ["https://example.org/"]
    (tmp_path / "index.json").write_text(json.dumps(index))

    Layout(tmp_path).write(second, [ImageRef.parse("wine:2")])

    written = json.loads((tmp_path / "index.json").read_text())
    assert written["annotations"] == {"made by": "somebody"}
    assert written["manifests"][0]["urls"] == ["https://example.org/"]
    assert Layout(tmp_path).find("1", AMD64).image.id == first.id
    assert Layout(tmp_path).find("docker.io/library/wine:2", AMD64).image.id == second.id


def test_nothing_changed_writes_nothing(tmp_path):
    """A blob of the right size and an equal index are left as they are."""
    Layout(tmp_path).write(image(layer(b"1")), [IRIS])
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}

    Layout(tmp_path).write(image(layer(b"1")), [IRIS])

    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def test_a_blob_of_another_size_is_written_again(tmp_path):
    """What a full disk or a broken copy left of a blob is replaced."""
    made = image(layer(b"whole"))
    Layout(tmp_path).write(made, [IRIS])
    path = Layout(tmp_path).path(made.layers[0].descriptor.digest)
    path.unlink()
    path.write_bytes(b"half")

    Layout(tmp_path).write(made, [IRIS])

    assert path.read_bytes() == b"whole"


def test_a_file_of_the_store_is_linked(tmp_path):
    """It takes no space again; both are read-only."""
    store = Store(tmp_path / "store")
    digest = store.add([b"kept"])
    layout = Layout(tmp_path / "layout")

    layout.write(image(layer(b"kept", FileBlob(store.path(digest)))), [IRIS])

    assert layout.path(digest).samefile(store.path(digest))
    assert layout.path(digest).stat().st_mode & 0o222 == 0


def test_a_file_that_may_be_written_is_copied(tmp_path):
    """Whoever changes the file later does not change the layout."""
    (tmp_path / "file").write_bytes(b"first")
    layout = Layout(tmp_path / "layout")
    made = image(layer(b"first", FileBlob(tmp_path / "file")))

    layout.write(made, [IRIS])

    (tmp_path / "file").write_bytes(b"other")
    assert layout.path(made.layers[0].descriptor.digest).read_bytes() == b"first"


@pytest.mark.parametrize("mode", [0o444, 0o644])
def test_a_damaged_file_gets_no_name(tmp_path, mode):
    """Linked or copied, a blob is what its digest says, or the image is not written."""
    path = tmp_path / "file"
    path.write_bytes(b"wrong")
    path.chmod(mode)
    layout = Layout(tmp_path / "layout")

    with pytest.raises(DigestMismatch, match="other bytes"):
        layout.write(image(layer(b"right", FileBlob(path))), [IRIS])

    assert contents(layout.folder) == {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def test_a_layer_that_is_longer_than_promised_is_refused(tmp_path):
    """A model that grew while it was read."""
    grown = Layer(Descriptor.of(media_types.TAR, b"short"), Digest.of(b"short"), BytesBlob(b"short, no more"))

    with pytest.raises(DigestMismatch, match="build again"):
        Layout(tmp_path).write(image(grown), [IRIS])


def test_a_file_that_is_gone_is_told(tmp_path):
    """It is not mistaken for a trouble with the layout."""
    missing = layer(b"1", FileBlob(tmp_path / "missing"))

    with pytest.raises(InvalidImage, match="cannot be read: no such file"):
        Layout(tmp_path / "layout").write(image(missing), [IRIS])


@dataclass(frozen=True)
class Failing:
    """Some bytes, then an error."""

    data: bytes
    count: int
    error: Exception

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield single bytes until the error is due."""
        for at in range(start_bytes, self.count):
            yield self.data[at : at + 1]
        raise self.error


@given(
    st.binary(min_size=1, max_size=50).filter(lambda data: data != b"old"),
    st.integers(0, 50),
    st.sampled_from([OSError(errno.EIO, "I/O error"), KeyboardInterrupt(), LadingError("gone")]),
)
@settings(deadline=None)
def test_a_layer_that_breaks_leaves_the_old_image(data, count, error):
    """Wherever it breaks off: the name stands for the old image, and nothing half is left."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        layout.write(image(layer(b"old")), [IRIS])
        before = contents(layout.folder)
        broken = layer(data, Failing(data, min(count, len(data)), error))

        with pytest.raises((LadingError, KeyboardInterrupt)):
            layout.write(image(broken), [IRIS])

        assert contents(layout.folder) == before


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    """The error says what to do, and the old image is still there."""
    layout = Layout(tmp_path)
    layout.write(image(layer(b"old")), [IRIS])
    before = contents(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed, match=r"no space left.*free some space"):
        layout.write(image(layer(b"new")), [IRIS])

    assert contents(tmp_path) == before


def test_what_a_killed_writer_left_is_removed(tmp_path):
    """Unfinished files do not pile up."""
    layout = Layout(tmp_path)
    layout.write(image(layer(b"1")), [IRIS])
    (tmp_path / ".lading-0123456789abcdef").write_bytes(b"half")

    layout.write(image(layer(b"2")), [IRIS])

    assert not list(tmp_path.glob(".lading-*"))


def test_writers_do_not_lose_each_others_images(tmp_path):
    """Eight at once: all names are there afterwards."""
    names = [ImageRef.parse(f"model:{number}") for number in range(8)]
    threads = [
        threading.Thread(target=Layout(tmp_path).write, args=(image(layer(name.tag.encode())), [name]))
        for name in names
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {Layout(tmp_path).find(name.tag, AMD64).image.layers[0].diff_id for name in names} == {
        Digest.of(name.tag.encode()) for name in names
    }


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    """No blobs land between somebody's documents."""
    (tmp_path / "thesis.tex").write_text("...")

    with pytest.raises(OutputFailed, match="no OCI layout"):
        Layout(tmp_path).write(image(), [IRIS])

    assert list(contents(tmp_path)) == ["thesis.tex"]


def test_an_index_is_read_by_platform(tmp_path):
    """Of an image for several platforms, the asked one is found, or the error says which there are."""
    made = Index((image(layer(b"a")), image(layer(b"b"), platform=ARM64)))
    Layout(tmp_path).write(made, [IRIS])

    assert Layout(tmp_path).find(None, ARM64).image.layers[0].diff_id == Digest.of(b"b")
    with pytest.raises(BuildFailed, match="it has: linux/amd64, linux/arm64"):
        Layout(tmp_path).find(None, Platform("linux", "s390x"))


def test_several_images_need_a_name(tmp_path):
    """The error lists the names; so does the one of a wrong name."""
    for name in ("iris:1", "wine:2"):
        Layout(tmp_path).write(image(layer(name.encode())), [ImageRef.parse(name)])

    with pytest.raises(BuildFailed, match=r"several images.*library/iris:1"):
        Layout(tmp_path).find(None, AMD64)
    with pytest.raises(BuildFailed, match=r"no image '3'.*2, docker.io/library/iris:1"):
        Layout(tmp_path).find("3", AMD64)


@pytest.mark.parametrize("name", ["oci-layout", "index.json", "manifest", "config", "layer"])
def test_a_layout_that_lacks_a_part_is_refused(tmp_path, name):
    """The error says what is missing; nothing else than this error is raised."""
    made = image(layer(b"1"))
    layout = Layout(tmp_path)
    layout.write(made, [IRIS])
    digests = {"manifest": made.descriptor.digest, "config": made.id, "layer": made.layers[0].diff_id}
    path = layout.path(digests[name]) if name in digests else tmp_path / name
    path.unlink()

    with pytest.raises(InvalidImage, match=str(digests.get(name, name))):
        layout.find(None, AMD64)


@given(st.binary(max_size=60), st.sampled_from(["oci-layout", "index.json"]))
@settings(deadline=None)
def test_documents_that_are_none_are_refused(data, name):
    """Whatever they hold, the error is a typed one."""
    with tempfile.TemporaryDirectory() as folder:
        Layout(Path(folder)).write(image(), [IRIS])
        (Path(folder) / name).write_bytes(data)

        with pytest.raises(LadingError):
            Layout(Path(folder)).find(None, AMD64)


WRITE = """
import sys
from pathlib import Path
from lading.digest import Digest
from lading.oci import media_types
from lading.oci.archive import archive_chunks
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer
from lading.oci.layout import Layout
from lading.reference import ImageRef

layers = [
    Layer(Descriptor.of(media_types.TAR, data), Digest.of(data), BytesBlob(data), "COPY")
    for data in (b"one", b"two")
]
config = {"os": "linux", "architecture": "amd64", "config": {"Labels": {"a": "b", "c": "d"}}}
made = Image(Config(config | {"rootfs": {"diff_ids": []}}), ()).with_layers(layers)
folder, names = Path(sys.argv[1]), [ImageRef.parse(name) for name in ("iris:1", "iris:2")]
Layout(folder / "layout").write(made, names)
(folder / "archive.tar").write_bytes(b"".join(archive_chunks(made, names)))
"""


def test_the_bytes_depend_on_nothing_but_the_image(tmp_path):
    """Another umask, time zone, locale or hash seed gives the same layout and the same archive."""
    results = []
    for mask, zone, seed in ((0o022, "UTC", "1"), (0o077, "Asia/Tokyo", "2")):
        folder = tmp_path / seed
        folder.mkdir()
        environ = {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        subprocess.run([sys.executable, "-c", WRITE, folder], env=environ, umask=mask, check=True)
        results.append(contents(folder))

    assert results[0] == results[1]
    assert "archive.tar" in results[0]
