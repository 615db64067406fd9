"""Conda packages as layers."""

import gzip
import hashlib
from pathlib import Path

from lading.digest import Digest
from lading.engines.oci.conda import conda_layers
from lading.engines.oci.environment import EnvironmentLayers
from lading.environment import Platform, PythonMinor
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import Lock
from lading.oci.image import Layer
from lading.progress import Silent
from lading.store import Store

from tests.builder.engines.oci.conftest import Unpacked


def prefix(folder: Path, rest: bytes = b"rest") -> FolderLayer:
    """Make a prefix with one heavy package, a light one, and a file of nobody's."""
    files = {
        "bin/tool": b"#!/bin/sh\n",
        "lib/heavy.so": hashlib.shake_128().digest(9 << 20),
        "lib/sub/light.py": rest,
        "conda-meta/heavy-1-0.json": b'{"name": "heavy", "version": "1", "files": ["lib/heavy.so"]}',
        "conda-meta/light-2-0.json": b'{"name": "light", "version": "2", "files": ["lib/sub/light.py"]}',
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "bin/tool").chmod(0o755)
    (folder / "lib/libheavy.so").symlink_to("heavy.so")
    return FolderLayer.scan(folder, "/opt/env")


def unpacked(layers: tuple[Layer, ...]) -> Unpacked:
    """What engines make of *layers*."""
    found = Unpacked()
    for layer in layers:
        found.add(gzip.decompress(b"".join(layer.blob.chunks())))
    return found


def test_layers_hold_the_prefix(tmp_path, store):
    """Together they are the folder; every digest and size is right; every folder is there for anybody."""
    layers = conda_layers(prefix(tmp_path / "prefix"), store, Silent())

    found = unpacked(layers)
    packed = [b"".join(layer.blob.chunks()) for layer in layers]
    assert found.contents["opt/env/lib/heavy.so"] == (tmp_path / "prefix/lib/heavy.so").read_bytes()
    assert found.entries["opt/env/bin/tool"].mode == 0o755
    assert found.entries["opt/env/lib/libheavy.so"].linkname == "heavy.so"
    assert [Digest.of(each) for each in packed] == [layer.descriptor.digest for layer in layers]
    assert [len(each) for each in packed] == [layer.descriptor.size_bytes for layer in layers]
    assert [Digest.of(gzip.decompress(each)) for each in packed] == [layer.diff_id for layer in layers]
    assert {entry.mode for entry in found.entries.values() if entry.isdir()} == {0o755}


def test_heavy_packages_are_shared_between_images(tmp_path, store):
    """A heavy package has a layer of its own, the lowest, and the same one in another environment."""
    first = conda_layers(prefix(tmp_path / "a"), store, Silent())
    other = conda_layers(prefix(tmp_path / "b", rest=b"another"), Store(tmp_path / "other"), Silent())

    assert [layer.created_by for layer in first] == [
        "lading: heavy 1 in /opt/env",
        "lading: other conda packages in /opt/env",
    ]
    assert first[0].descriptor == other[0].descriptor
    assert first[1].descriptor != other[1].descriptor


def test_layers_are_made_once(tmp_path, store):
    """What the store has is not compressed again; what it lost is."""
    conda = prefix(tmp_path / "prefix")
    first = conda_layers(conda, store, Silent())
    again = conda_layers(conda, store, Silent())
    store.path(first[0].descriptor.digest).unlink()

    anew = conda_layers(conda, store, Silent())

    assert again == first
    assert anew == first
    assert b"".join(anew[0].blob.chunks())


def test_wheels_go_on_top_of_conda(tmp_path, make_wheel, store):
    """Conda's layers are lowest, wheels go to conda's Python, and no virtual environment is made of it."""
    conda = prefix(tmp_path / "prefix")
    lock = Lock(PythonMinor(3, 12), Platform("linux", "amd64"), (), "")
    environment = EnvironmentLayer("/opt/env", lock, (make_wheel({"demo.py": b""}),), conda)

    layers = EnvironmentLayers(store, Silent()).layers(environment, "/usr/bin/python3.11")

    found = unpacked(layers)
    assert layers[:2] == conda_layers(conda, store, Silent())
    assert "opt/env/lib/python3.12/site-packages/demo.py" in found.contents
    assert "opt/env/pyvenv.cfg" not in found.contents
    assert "opt/env/bin/python" not in found.entries
