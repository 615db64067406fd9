"""What the store promises: whole, verified bytes or none."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading.digest import Digest
from lading.errors import DigestMismatch, StoreError
from lading.store import Store, store_errors


def test_it_is_where_the_environment_says(tmp_path):
    """``LADING_CACHE_DIR`` says where the store is; without it, it is in the platform's cache folder."""
    assert Store.default({"LADING_CACHE_DIR": str(tmp_path)}).root == tmp_path
    assert Store.default({}).root.name == "lading"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(chunks=st.lists(st.binary(max_size=50)))
def test_what_was_added_is_found(store, chunks):
    """Bytes are found under the digest of all chunks together."""
    digest = store.add(chunks)

    path = store.find(digest)
    assert path is not None
    assert path.read_bytes() == b"".join(chunks)
    assert digest == Digest.of(b"".join(chunks))


def test_unexpected_bytes_leave_nothing(store):
    """Bytes that are not the promised ones are refused, and nothing of them stays."""
    with pytest.raises(DigestMismatch):
        store.add([b"other"], Digest.of(b"promised"))

    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_failing_source_leaves_nothing(store):
    """Whatever ends a write half-way, no file stays."""

    def chunks() -> Iterator[bytes]:
        yield b"some"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(chunks())

    assert [path for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damaged", [b"", b"tampered", b"original and more"])
def test_a_damaged_blob_is_missing(store, damaged):
    """A blob that is not what its name says is removed when somebody asks for it."""
    digest = store.add([b"original"])
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(damaged)

    assert store.find(digest) is None
    assert not path.exists()


def test_blobs_are_read_only(store):
    """Nobody may write to a blob, by which name ever."""
    digest = store.add([b"original"])

    assert store.path(digest).stat().st_mode & 0o222 == 0


def test_a_blob_has_a_name_on_request(store):
    """A blob can be had under a file name; it is the same file, and made once."""
    digest = store.add([b"a wheel"])

    link = store.named(digest, "six-1.0-py3-none-any.whl")
    assert link.name == "six-1.0-py3-none-any.whl"
    assert link.samefile(store.path(digest))
    assert store.named(digest, "six-1.0-py3-none-any.whl") == link


def test_a_name_follows_its_blob(store):
    """After a damaged blob was fetched again, its name leads to the new file."""
    digest = store.add([b"a wheel"])
    link = store.named(digest, "a.whl")
    link.chmod(0o644)
    link.write_bytes(b"tampered")
    assert store.find(digest) is None
    store.add([b"a wheel"])

    assert store.named(digest, "a.whl").read_bytes() == b"a wheel"


def test_a_name_works_without_hard_links(store, monkeypatch):
    """Where the file system has no hard links, a named blob is a copy."""

    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    digest = store.add([b"a wheel"])

    assert store.named(digest, "a.whl").read_bytes() == b"a wheel"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(key=st.text(), value=st.binary())
def test_an_entry_is_read_as_written(store, key, value):
    """Any value can be kept under any key, and the last one written counts."""
    store.write_entry("kind", key, b"before")
    store.write_entry("kind", key, value)

    assert store.read_entry("kind", key) == value
    assert store.read_entry("other", key) is None


def test_a_damaged_entry_is_missing(store):
    """An entry whose bytes changed is no entry."""
    store.write_entry("kind", "key", b"value")
    (path,) = (path for path in (store.root / "entries").rglob("*") if path.is_file())
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])

    assert store.read_entry("kind", "key") is None


def test_a_temporary_folder_is_gone_afterwards(store):
    """It is where links to blobs can be, and does not outlive its use, whatever is in it."""
    blob = store.path(store.add([b"x"]))

    with store.temporary_folder() as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "link").hardlink_to(blob)

    assert not folder.exists()
    assert blob.read_bytes() == b"x"


def test_one_at_a_time(store):
    """Two that do the same exclusive thing do it one after the other, and the second is told to wait."""
    happened, waits = [], threading.Event()

    def second():
        with store.exclusive("thing", on_wait=waits.set):
            happened.append("second")

    thread = threading.Thread(target=second)
    with store.exclusive("thing"):
        thread.start()
        assert waits.wait(60)
        happened.append("first")
    thread.join(60)

    assert happened == ["first", "second"]


def test_who_waits_can_be_cancelled(store):
    """Waiting for another ends when it is cancelled."""

    def second():
        with pytest.raises(TimeoutError), store.exclusive("thing", is_cancelled=lambda: True):
            pass

    with store.exclusive("thing"), ThreadPoolExecutor() as pool:
        pool.submit(second).result(timeout=60)


def test_a_killed_process_leaves_no_lock(store):
    """What was exclusive is free again when its process is killed."""
    script = f"""
import sys, time
from pathlib import Path
from lading.store import Store
with Store(Path({str(store.root)!r})).exclusive("thing"):
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    started = time.monotonic()
    with store.exclusive("thing"):
        assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "no space left on device; free some space"),
        (errno.EACCES, "permission denied; set LADING_CACHE_DIR"),
        (errno.EROFS, "read-only file system; set LADING_CACHE_DIR"),
    ],
)
def test_errors_say_what_to_do(tmp_path, number, hint):
    """A full disk, missing permission and a read-only file system are told with what helps."""
    with pytest.raises(StoreError, match=hint), store_errors("write", tmp_path):
        raise OSError(number, os.strerror(number))


def test_a_file_in_the_way_is_told(tmp_path):
    """A store below a file cannot be written, and the message names it."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="file"):
        Store(tmp_path / "file").add([b"x"])
