"""Base images of layouts and archives, by what the user writes."""

import pytest
from lading.engines.oci.bases.archive import ArchiveBases
from lading.engines.oci.bases.layout import LayoutBases
from lading.engines.oci.bases.place import split_place
from lading.engines.oci.outputs.archive import ArchiveOutput
from lading.engines.oci.outputs.layout import LayoutOutput
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, InvalidImage
from lading.oci.config import Config
from lading.oci.image import Image
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import tar_layer

AMD64, PYTHON = Platform("linux", "amd64"), PythonMinor(3, 11)
NAME = ImageRef.parse("registry.example:5000/base:1")
EMPTY = Config(
    {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Env": ["PATH=/usr/local/bin", "PYTHON_VERSION=3.11.2"]},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
)
IMAGE = Image(EMPTY, ()).with_layers([tar_layer({"a": b"x"})])


@pytest.mark.parametrize("name", ["", ":1", ":registry.example:5000/base:1"])
def test_a_layout_is_a_base(tmp_path, store, name):
    """By its only image, a tag or a whole name; its digest is that of the manifest."""
    LayoutOutput(tmp_path / "layout", Silent()).write(IMAGE, (NAME,))

    base = LayoutBases(store).find(f"oci:{tmp_path}/layout{name}", AMD64, PYTHON)

    assert (base.image.id, base.digest) == (IMAGE.id, IMAGE.descriptor.digest)
    assert (base.python, base.name) == ("/usr/local/bin/python3.11", f"oci:{tmp_path}/layout{name}")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("oci-archive", ""), ("oci-archive", ":1"), ("docker-archive", ""), ("docker-archive", f":{NAME}")],
)
def test_an_archive_is_a_base(tmp_path, store, kind, name):
    """Of both kinds."""
    ArchiveOutput(tmp_path / "base.tar", Silent()).write(IMAGE, (NAME,))

    base = ArchiveBases(store).find(f"{kind}:{tmp_path}/base.tar{name}", AMD64, PYTHON)

    assert base.image.id == IMAGE.id
    assert base.digest == (IMAGE.descriptor.digest if kind == "oci-archive" else None)


def test_paths_may_have_colons(tmp_path):
    """What exists decides where the path ends."""
    for path in ("a:b", "a"):
        (tmp_path / path).mkdir()

    assert split_place(f"{tmp_path}/a:b") == (tmp_path / "a:b", None)
    assert split_place(f"{tmp_path}/a:b:c:1") == (tmp_path / "a:b", "c:1")
    assert split_place(f"{tmp_path}/a:x") == (tmp_path / "a", "x")


def test_errors_say_which_base_image(tmp_path, store):
    """And what is wrong with it."""
    LayoutOutput(tmp_path / "layout", Silent()).write(IMAGE, (NAME,))
    name = f"oci:{tmp_path}/layout"

    with pytest.raises(BuildFailed, match=rf"base image '{name}:2': it has no image '2'; it has: 1"):
        LayoutBases(store).find(f"{name}:2", AMD64, PYTHON)
    with pytest.raises(BuildFailed, match="no image for linux/arm64"):
        LayoutBases(store).find(name, Platform("linux", "arm64"), PYTHON)
    with pytest.raises(BuildFailed, match=rf"base image '{name}' has no Python, the model needs 3\.9"):
        LayoutBases(store).find(name, AMD64, PythonMinor(3, 9))
    with pytest.raises(BuildFailed, match="there is no base image at '/no/where'"):
        ArchiveBases(store).find("oci-archive:/no/where", AMD64, PYTHON)
    with pytest.raises(InvalidImage, match="no OCI layout"):
        LayoutBases(store).find(f"oci:{tmp_path}", AMD64, PYTHON)
