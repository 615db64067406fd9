"""A store in one file."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading import carrying
from lading.digest import Digest
from lading.errors import DigestMismatch, StoreError
from lading.oci.tar import END, TarEntry, padding
from lading.store import Store


@given(
    st.lists(st.binary(max_size=2000), max_size=5),
    st.dictionaries(st.text(max_size=9), st.binary(max_size=99)),
)
def test_what_is_exported_is_imported(tmp_path_factory, blobs, entries):
    """Blobs and entries arrive as they were; a second import adds nothing."""
    folder = tmp_path_factory.mktemp("carried")
    here, there, file = Store(folder / "here"), Store(folder / "there"), folder / "store.tar"
    digests = {here.add([blob]) for blob in blobs}
    for key, value in entries.items():
        here.write_entry("locks", key, value)

    assert carrying.export(here, file) == len(digests) + len(entries)
    assert carrying.import_(there, file) == len(digests) + len(entries)
    assert carrying.import_(there, file) == 0

    assert all(there.find(digest) for digest in digests)
    assert all(there.read_entry("locks", key) == value for key, value in entries.items())


def test_the_same_store_gives_the_same_file(tmp_path):
    """Times, links by name and unfinished downloads are no part of it."""
    first, second = Store(tmp_path / "first"), Store(tmp_path / "second")
    for store in (first, second):
        store.add([b"blob"])
    first.named(Digest.of(b"blob"), "blob.whl")
    first.partial(Digest.of(b"x")).write_bytes(b"half")

    carrying.export(first, tmp_path / "1.tar")
    carrying.export(second, tmp_path / "2.tar")

    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def archive(name: str, content: bytes) -> bytes:
    """Return an archive of one file."""
    return TarEntry(name, size_bytes=len(content)).header() + content + padding(len(content)) + END


BLOB = f"blobs/sha256/{Digest.of(b'x').hex[:2]}/{Digest.of(b'x').hex}"


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/passwd", "blobs/sha256/../x", "entries/../../x", "locks/a.lock", f"{BLOB}/../x"],
)
def test_nothing_is_written_outside_of_the_store(tmp_path, name):
    """A name that no store has is refused, and names itself."""
    (tmp_path / "evil.tar").write_bytes(archive(name, b"evil"))

    with pytest.raises(StoreError, match="belongs into no store"):
        carrying.import_(Store(tmp_path / "store"), tmp_path / "evil.tar")

    assert not (tmp_path / "outside").exists()


def test_a_link_is_refused(tmp_path):
    """Only files are in a store."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        link = tarfile.TarInfo(BLOB)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    (tmp_path / "evil.tar").write_bytes(data.getvalue())

    with pytest.raises(StoreError, match="belongs into no store"):
        carrying.import_(Store(tmp_path / "store"), tmp_path / "evil.tar")


def test_a_damaged_blob_is_refused(tmp_path):
    """Its bytes must be those of its name."""
    (tmp_path / "damaged.tar").write_bytes(archive(BLOB, b"y"))

    with pytest.raises(DigestMismatch):
        carrying.import_(Store(tmp_path / "store"), tmp_path / "damaged.tar")

    assert Store(tmp_path / "store").find(Digest.of(b"x")) is None


def test_a_damaged_entry_is_refused(tmp_path):
    """Its value must be that of its checksum."""
    key = Digest.of(b"key").hex
    (tmp_path / "damaged.tar").write_bytes(archive(f"entries/locks/{key[:2]}/{key}", b"sha256:0\nvalue"))

    with pytest.raises(StoreError, match="damaged"):
        carrying.import_(Store(tmp_path / "store"), tmp_path / "damaged.tar")


@pytest.mark.parametrize("content", [b"", b"no archive", archive(BLOB, b"x")[:600]])
def test_what_is_no_archive_is_refused(tmp_path, content):
    """The error names the file and how to make one."""
    (tmp_path / "some.file").write_bytes(content)

    with pytest.raises((StoreError, DigestMismatch)):
        carrying.import_(Store(tmp_path / "store"), tmp_path / "some.file")


def test_an_export_that_fails_leaves_the_old_file(tmp_path):
    """A store whose blob cannot be read keeps what was exported before."""
    store = Store(tmp_path / "store")
    digest = store.add([b"blob"])
    (tmp_path / "store.tar").write_bytes(b"old")
    blob = store.path(digest)
    blob.unlink()
    blob.symlink_to("nowhere")

    carrying.export(store, tmp_path / "store.tar")  # a dangling link is no file

    with pytest.raises(StoreError, match="cannot write"):
        carrying.export(store, tmp_path / "no" / "store.tar")
    assert not [path for path in tmp_path.iterdir() if "unfinished" in path.name]
