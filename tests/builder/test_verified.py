"""Files that were hashed before are known again, and no others."""

import os
import time
from pathlib import Path

import pytest
from lading import upkeep
from lading.digest import Digest
from lading.store import Store
from lading.verified import Verified


@pytest.fixture
def verified(tmp_path) -> Verified:
    """Marks, none yet."""
    return Verified(tmp_path / "marks")


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """A file that was written before the present tick of the file system's clock."""
    path = tmp_path / "file"
    path.write_bytes(b"original")
    settle(path)
    return path


def settle(path: Path) -> None:
    """Return when the clock that *path* was changed by has ticked since."""
    probe = path.with_name("probe")
    while True:
        probe.touch()
        if probe.stat().st_ctime_ns > path.stat().st_ctime_ns:
            return
        time.sleep(0.001)


@pytest.fixture
def hashed(monkeypatch) -> list[Path]:
    """The files that are read."""
    found: list[Path] = []
    hash_file = Digest.of_file

    def of_file(path: Path) -> Digest:
        found.append(path)
        return hash_file(path)

    monkeypatch.setattr(Digest, "of_file", of_file)
    return found


ORIGINAL = Digest.of(b"original")


def test_a_file_is_read_once(verified, settled, hashed):
    """As long as it does not change."""
    assert [verified.is_whole(settled, ORIGINAL) for _ in range(3)] == [True] * 3

    assert hashed == [settled]


def overwritten(path: Path) -> None:
    """Write other bytes in place."""
    path.write_bytes(b"tampered")


def replaced(path: Path) -> None:
    """Put another file of the same size in its place."""
    other = path.with_name("other")
    other.write_bytes(b"tampered")
    other.replace(path)


@pytest.mark.parametrize("change", [overwritten, replaced])
def test_a_change_is_seen_whatever_time_it_pretends(verified, settled, change):
    """Same size, same times, in place or as another file: it is read again, and found out."""
    assert verified.is_whole(settled, ORIGINAL)
    before = settled.stat()
    assert verified.mark(ORIGINAL.hex).exists()

    change(settled)
    os.utime(settled, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (settled.stat().st_size, settled.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert not verified.is_whole(settled, ORIGINAL)
    assert not verified.mark(ORIGINAL.hex).exists()


def test_what_may_change_in_this_tick_is_not_believed(verified, settled, monkeypatch):
    """A file that is as young as the hashing gets no mark: a later change could look the same."""
    monkeypatch.setattr(Verified, "_now_ns", lambda _: settled.stat().st_ctime_ns)

    assert verified.is_whole(settled, ORIGINAL)

    assert not verified.mark(ORIGINAL.hex).exists()


def test_what_changes_while_it_is_read_is_not_believed(verified, settled, monkeypatch):
    """Whoever writes after the last byte was read is noticed as well."""

    def of_file(path: Path) -> Digest:
        path.write_bytes(b"tampered")
        return ORIGINAL

    monkeypatch.setattr(Digest, "of_file", of_file)

    assert verified.is_whole(settled, ORIGINAL)
    assert not verified.mark(ORIGINAL.hex).exists()


def test_a_mark_that_cannot_be_read_is_none(verified, settled, hashed):
    """Whatever is in it."""
    verified.is_whole(settled, ORIGINAL)
    verified.mark(ORIGINAL.hex).write_bytes(b"\xff\0 1 2 3")

    assert verified.is_whole(settled, ORIGINAL)

    assert hashed == [settled, settled]


def test_without_a_place_for_marks_files_are_read(tmp_path, settled, hashed):
    """Somebody else's store works as well."""
    (tmp_path / "file-in-the-way").touch()
    verified = Verified(tmp_path / "file-in-the-way")

    assert [verified.is_whole(settled, ORIGINAL) for _ in range(2)] == [True, True]

    assert hashed == [settled, settled]


def test_a_blob_that_was_used_stays(store):
    """Use is noted on the mark: a note on the blob would change what the mark tells."""
    digest = store.add([b"original"])
    os.utime(store.path(digest), (0, 0))
    settle(store.path(digest))

    assert store.find(digest) == store.find(digest) == store.path(digest)

    assert store.path(digest).stat().st_mtime == 0
    assert store.verified.mark(digest.hex).stat().st_mtime > time.time() - 3600


def test_a_store_is_checked_whatever_marks_say(tmp_path):
    """A blob that is damaged behind the kernel's back is found by who looks after the store."""
    store = Store(tmp_path / "store")
    digest = store.add([b"original"])
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"tampered")
    status = path.stat()
    mark = store.verified.mark(digest.hex)
    mark.parent.mkdir(parents=True)
    mark.write_text(f"8 {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}")
    assert store.find(digest) == path

    assert upkeep.verify(store) == (path,)
