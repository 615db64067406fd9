"""The files of an image, by the headers of its layers."""

import io
import tarfile

import pytest
from lading.digest import Digest
from lading.errors import DigestMismatch, InvalidImage
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer
from lading.oci.tree import File, Folder, Link, read_tree


def layer(*names: str) -> Layer:
    """Return a layer of empty files, ``folders/`` and ``link -> target``."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in names:
            path, _, target = name.partition(" -> ")
            info = tarfile.TarInfo(path.rstrip("/"))
            info.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            info.mode = 0o755
            if target:
                info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return Layer(
        Descriptor.of(media_types.TAR, data.getvalue()),
        Digest.of(data.getvalue()),
        BytesBlob(data.getvalue()),
    )


def image(*layers: Layer) -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


PROGRAM = File(is_executable=True)


def test_links_are_followed():
    """Relative and absolute ones, of folders and of files, as in Debian's merged ``/usr``."""
    tree = read_tree(
        image(
            layer("usr/bin/python3.11", "usr/bin/python3 -> python3.11", "bin -> usr/bin"),
            layer("opt/env/bin/python -> /bin/python3", "opt/up -> ../usr/../bin"),
        )
    )

    for path in ("/bin/python3", "/opt/env/bin/python", "opt/up/python3.11"):
        assert tree.find(path) == ("/usr/bin/python3.11", PROGRAM)
    assert tree.find("/usr/bin/python4") is None


def test_a_circle_of_links_leads_nowhere():
    """It is not followed forever."""
    tree = read_tree(image(layer("a -> b", "b -> a", "c -> c/d")))

    assert tree.find("/a") is None
    assert tree.find("/c") is None


def test_whiteouts_remove_what_lower_layers_have():
    """One file, or all of a folder; what the same layer has stays."""
    tree = read_tree(
        image(
            layer("bin/a", "bin/b", "lib/x", "lib/y/z"),
            layer("bin/.wh.a", "bin/c", "lib/new", "lib/.wh..wh..opq"),
        )
    )

    assert tree.find("/bin/a") is None
    assert tree.find("/bin/b") == ("/bin/b", PROGRAM)
    assert tree.root.children["lib"] == Folder({"new": PROGRAM})


def test_a_later_entry_replaces_an_earlier_one():
    """A folder becomes a file and loses what is in it; a folder that comes again keeps it."""
    tree = read_tree(image(layer("a/x", "b/x", "c -> b"), layer("a", "b/", "c")))

    assert tree.root.children == {"a": PROGRAM, "b": Folder({"x": PROGRAM}), "c": PROGRAM}


def test_a_folder_may_be_written_through_a_link():
    """As by layers that were made of a folder of files."""
    tree = read_tree(image(layer("usr/bin/", "bin -> usr/bin"), layer("bin/tool")))

    assert tree.find("/usr/bin/tool") == ("/usr/bin/tool", PROGRAM)
    assert tree.root.children["bin"] == Link("usr/bin")


def test_a_damaged_layer_is_refused():
    """Also where the damage is behind the last header."""
    whole = layer("a")
    data = bytearray(whole.blob.data)  # type: ignore[attr-defined]
    data[-1] = 1
    damaged = Layer(whole.descriptor, whole.diff_id, BytesBlob(bytes(data)))

    with pytest.raises(DigestMismatch):
        read_tree(image(damaged))


def test_what_is_no_archive_is_refused():
    """The error names the layer."""
    data = b"no archive at all" * 100
    wrong = Layer(Descriptor.of(media_types.TAR, data), Digest.of(data), BytesBlob(data))

    with pytest.raises(InvalidImage, match=str(Digest.of(data))):
        read_tree(image(wrong))
