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
from lading.oci.tree import File, Folder, Link, read_files, read_tree


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


def two_layers() -> Image:
    """Return an image whose files have contents; one has two names, one is in both layers."""
    layers = []
    for files in ({"a": b"old", "b": b"below", "empty": b""}, {"a": b"new", "c": b"above"}):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            info = tarfile.TarInfo(f"hard-{next(iter(files))}")
            info.type, info.linkname = tarfile.LNKTYPE, f"./{next(iter(files))}"
            archive.addfile(info)
        descriptor = Descriptor.of(media_types.TAR, data.getvalue())
        layers.append(Layer(descriptor, descriptor.digest, BytesBlob(data.getvalue())))
    return image(*layers)


@pytest.mark.parametrize("kept", ["", "a", "bc", "abc"])
def test_contents_are_those_of_the_upper_layer(kept):
    """Whether they were kept with the headers or are read afterwards, under each name of a file."""
    found = two_layers()
    tree = read_tree(found, lambda path: path.strip("./") in kept)
    names = ("a", "b", "c", "empty", "hard-a")
    files = {name: at[1] for name in names if (at := tree.find(name)) and isinstance(at[1], File)}

    contents = dict(read_files(found, {**files, "again": files["b"]}))

    expected = {"a": b"new", "b": b"below", "c": b"above", "empty": b"", "hard-a": b"new", "again": b"below"}
    assert contents == expected


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
