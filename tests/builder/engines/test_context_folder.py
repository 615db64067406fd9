"""A context as a folder."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.context import Data, Item
from lading.engines.context_folder import write
from lading.folder import File, Folder, Link


def test_a_folder_gets_the_same_things_as_an_archive(tmp_path):
    """What is written as files is what is sent as an archive, readable for anybody."""
    (tmp_path / "source").write_text("x")
    items: list[Item] = [
        Folder("sub"),
        File("sub/tool", True, tmp_path / "source", 1),
        File("sub/file", False, tmp_path / "source", 1),
        Link("sub/link", "tool"),
        Data("other/deep/data", b"d"),
    ]
    umask = os.umask(0o077)
    try:
        write(items, tmp_path)
    finally:
        os.umask(umask)

    modes = {path: (tmp_path / path).stat().st_mode & 0o777 for path in ("sub", "other", "other/deep")}
    assert set(modes.values()) == {0o755}
    assert (tmp_path / "sub" / "link").readlink() == Path("tool")
    assert (tmp_path / "sub" / "tool").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "sub" / "file").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "other" / "deep" / "data").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "other" / "deep" / "data").read_bytes() == b"d"


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_the_time_says_what_is_in_a_file(tmp_path_factory, one, other):
    """Two files have the same time exactly if they have the same content, wherever that comes from."""
    folder = tmp_path_factory.mktemp("times")
    (folder / "source").write_bytes(other)

    write([Data("one", one), File("other", False, folder / "source", len(other))], folder)

    times = [(folder / name).stat().st_mtime_ns for name in ("one", "other")]
    assert (times[0] == times[1]) == (one == other)
    days = {datetime.fromtimestamp(time / 1e9, UTC).date().isoformat() for time in times}
    assert days <= {"1980-01-01", "1980-01-02"}


def test_what_never_changes_is_not_copied(tmp_path):
    """Files of the store are links, with their own times; programs are copies, because links share modes."""
    store = tmp_path / "store"
    store.mkdir()
    for name in ("wheel", "uv"):
        (store / name).write_text(name)
        (store / name).chmod(0o444)
        os.utime(store / name, ns=(1, 123456789))

    items = [File("a.whl", False, store / "wheel", 5), File("uv", True, store / "uv", 2)]
    write(items, tmp_path, kept=store)

    assert (tmp_path / "a.whl").samefile(store / "wheel")
    assert not (tmp_path / "uv").samefile(store / "uv")
    assert (tmp_path / "uv").stat().st_mode & 0o777 == 0o755
    assert (store / "uv").stat().st_mode & 0o777 == 0o444
    assert {(tmp_path / name).stat().st_mtime_ns for name in ("a.whl", "uv")} == {123456789}


def test_not_every_file_system_has_links(tmp_path, monkeypatch):
    """A copy with the same time does as well."""
    (tmp_path / "store").mkdir()
    source = tmp_path / "store" / "wheel"
    source.write_text("wheel")

    def no_links(*_: object) -> None:
        raise OSError(errno.EMLINK, "too many links")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write([File("a.whl", False, source, 5)], tmp_path, kept=tmp_path / "store")

    assert (tmp_path / "a.whl").read_text() == "wheel"
    assert (tmp_path / "a.whl").stat().st_mtime_ns == source.stat().st_mtime_ns
    assert not (tmp_path / "a.whl").samefile(source)


def test_a_missing_file_is_an_error(tmp_path):
    """What is gone since the plan was made is not left out silently."""
    with pytest.raises(FileNotFoundError):
        write([File("file", False, tmp_path / "gone", 1)], tmp_path)
