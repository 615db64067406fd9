"""Headers of layer archives, read by Python's own tarfile."""

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st
from lading.oci.tar import END, Kind, TarEntry, padding

SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120).filter(
    lambda name: name not in {".", ".."}
)
PATHS = st.lists(SEGMENT, min_size=1, max_size=5).map("/".join)


def read(data: bytes) -> tarfile.TarInfo:
    """Return the only entry of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        (entry,) = archive.getmembers()
    return entry


@given(PATHS, st.binary(max_size=1000), st.sampled_from([0o644, 0o755]), st.integers(0, 1 << 31))
def test_a_file_is_read_as_it_was_written(path, content, mode, user_id):
    """Whatever its name, contents and owner, other programs read the same."""
    entry = TarEntry(path, size_bytes=len(content), mode=mode, user_id=user_id)
    archive = entry.header() + content + padding(len(content)) + END

    found = read(archive)

    assert (found.name, found.size, found.mode, found.uid) == (path, len(content), mode, user_id)
    assert (found.mtime, found.gid, found.uname, found.isreg()) == (315532801, 0, "", True)


@given(PATHS, PATHS)
def test_a_link_is_read_as_it_was_written(path, target):
    """However long they are, a link's name and its target come out again."""
    found = read(TarEntry(path, Kind.LINK, mode=0o777, target=target).header() + END)

    assert (found.name, found.linkname, found.issym()) == (path, target, True)


@given(PATHS)
def test_a_folder_is_read_as_it_was_written(path):
    """Folders end with a slash in the archive, not for who reads it."""
    found = read(TarEntry(path, Kind.FOLDER, mode=0o755).header() + END)

    assert (found.name, found.isdir()) == (path, True)


def test_a_name_that_fits_needs_no_pax_record():
    """Names of up to 255 bytes with a slash in the right place are plain ustar."""
    header = TarEntry("a" * 150 + "/" + "b" * 99).header()

    assert len(header) == 512
    assert header[257:265] == b"ustar\x0000"


def test_a_file_of_ten_gigabytes_has_its_size_in_a_pax_record():
    """The ustar field ends at 8 GiB."""
    header = TarEntry("model.bin", size_bytes=10 << 30).header()

    assert b" size=10737418240\n" in header
    with tarfile.open(fileobj=io.BytesIO(header + bytes(1024)), mode="r|") as archive:
        entry = archive.next()
    assert entry is not None
    assert entry.size == 10 << 30
