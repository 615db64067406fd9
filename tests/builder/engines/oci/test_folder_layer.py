"""The model's folder as a layer."""

import hashlib
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading.digest import Digest
from lading.engines.oci.folder_layer import TRANSFORM, folder_layer
from lading.errors import BuildFailed
from lading.layer import FolderLayer
from lading.oci import media_types

TARGET = "/opt/ml/model"


@pytest.fixture
def model(tmp_path) -> Path:
    """A folder with what models have."""
    folder: Path = tmp_path / "model"
    (folder / "code" / "empty").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "model.bin").write_bytes(hashlib.shake_128(b"").digest(3_000_000))
    (folder / "code" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "code" / "run.sh").chmod(0o700)
    (folder / "latest").symlink_to("model.bin")
    return folder


def make(model: Path, store):
    """Return the layer of a folder as it is now."""
    return folder_layer(FolderLayer.scan(model, TARGET), store)


def data(layer) -> bytes:
    """Return a layer's bytes."""
    return b"".join(layer.blob.chunks())


def test_descriptions_are_true(model, store):
    """The archive is not compressed: its digest is its diffID."""
    layer = make(model, store)

    digest = Digest.of(data(layer))
    assert (layer.descriptor.digest, layer.diff_id) == (digest, digest)
    assert (layer.descriptor.size_bytes, layer.descriptor.media_type) == (len(data(layer)), media_types.TAR)


def test_the_layer_never_changes(model, store):
    """A digest of a fixed folder; where it must change, ``TRANSFORM`` is counted up with it."""
    assert (TRANSFORM, make(model, store).diff_id.hex[:16]) == (1, "a46c6719ffe246bb")


def test_the_folder_is_at_its_target(model, store, unpack):
    """Files, folders and links are there, readable for everybody, root's, without times."""
    unpacked = unpack([make(model, store)])

    assert {path: oct(entry.mode) for path, entry in unpacked.entries.items()} == {
        "opt": "0o755",
        "opt/ml": "0o755",
        "opt/ml/model": "0o755",
        "opt/ml/model/MLmodel": "0o644",
        "opt/ml/model/code": "0o755",
        "opt/ml/model/code/empty": "0o755",
        "opt/ml/model/code/run.sh": "0o755",
        "opt/ml/model/latest": "0o777",
        "opt/ml/model/model.bin": "0o644",
    }
    assert unpacked.entries["opt/ml/model/latest"].linkname == "model.bin"
    assert unpacked.contents["opt/ml/model/model.bin"] == (model / "model.bin").read_bytes()
    assert {(each.uid, each.gid, each.mtime) for each in unpacked.entries.values()} == {(0, 0, 315532801)}


def test_a_copy_elsewhere_is_the_same_layer(model, store, tmp_path):
    """Neither place, times nor the umask count."""
    copy = tmp_path / "copy"
    shutil.copytree(model, copy, symlinks=True)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (copy / "MLmodel").chmod(0o600)

    assert data(make(copy, store)) == data(make(model, store))


def test_a_known_folder_is_not_read_again(model, store):
    """Only who wants the bytes reads the model; digest and size are remembered."""
    scanned = FolderLayer.scan(model, TARGET)
    first = folder_layer(scanned, store)
    shutil.rmtree(model)

    again = folder_layer(scanned, store)

    assert (again.descriptor, again.diff_id) == (first.descriptor, first.diff_id)


def test_the_model_is_never_copied_into_the_store(model, store):
    """What the store keeps of it is a line."""
    make(model, store)

    assert sum(each.stat().st_size for each in store.root.rglob("*") if each.is_file()) < 1000


@pytest.mark.parametrize("content", [b"flavors: {}", b"flavors: {} \n", b"flavors: []\n"])
def test_a_folder_that_changed_after_the_scan_is_no_layer(model, store, content):
    """Shorter, longer or just different: the digest would be another's, and is not remembered."""
    scanned = FolderLayer.scan(model, TARGET)
    (model / "MLmodel").write_bytes(content)

    with pytest.raises(BuildFailed, match="changed while it was read"):
        folder_layer(scanned, store)
    assert make(model, store).diff_id != scanned.digest


@pytest.mark.parametrize("size", [10, 4_000_000])
def test_a_file_that_changes_its_size_while_it_is_sent_ends_it(model, store, size):
    """An archive with a wrong header is never finished."""
    chunks = make(model, store).blob.chunks()
    sent = [next(chunks)]
    while not sent[-1].startswith(b"flavors"):
        sent.append(next(chunks))
    (model / "model.bin").write_bytes(b"x" * size)

    with pytest.raises(BuildFailed, match=r"model\.bin' changed"):
        list(chunks)


def test_a_folder_can_be_read_from_any_byte_on(model, store):
    """An upload that broke goes on where it was."""
    layer = make(model, store)
    whole = data(layer)
    for start in (0, 1, 511, 512, 2000, 1 << 20, len(whole) - 1024, len(whole) - 1, len(whole)):
        assert b"".join(layer.blob.chunks(start)) == whole[start:]


def test_large_files_come_in_pieces(model, store):
    """No more than a megabyte is in memory."""
    assert max(map(len, make(model, store).blob.chunks())) == 1 << 20


NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=60).filter(
    lambda name: name not in {".", ".."} and not name.startswith(".wh.")
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5))
def test_any_folder_is_unpacked_as_it_was(tmp_path_factory, store, files):
    """Whatever names and contents, tar finds the same."""
    model = tmp_path_factory.mktemp("model")
    for name, content in files.items():
        (model / name).write_bytes(content)
    archive = model.with_suffix(".tar")
    archive.write_bytes(data(make(model, store)))

    with tarfile.open(archive) as opened:
        files_in = [(each.name, opened.extractfile(each)) for each in opened if each.isreg()]
        found = {name: file.read() for name, file in files_in if file is not None}

    assert found == {f"opt/ml/model/{name}": content for name, content in files.items()}
