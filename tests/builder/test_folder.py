"""What is in a folder that goes into an image."""

import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.errors import InvalidModel
from lading.folder import File, Folder, Link, digest, entries, opened


def test_parents_come_before_children_in_the_order_of_names(tmp_path):
    """Entries are sorted, and a folder precedes what is in it, hidden and empty ones included."""
    (tmp_path / "b" / "empty").mkdir(parents=True)
    (tmp_path / "b" / ".hidden").write_text("x")
    (tmp_path / "a ü").write_text("xy")

    found = list(entries(tmp_path))

    assert [entry.path for entry in found] == ["a ü", "b", "b/.hidden", "b/empty"]
    assert [type(entry) for entry in found] == [File, Folder, File, Folder]


def test_only_the_executable_bit_of_a_mode_counts(tmp_path):
    """A file is executable or not; whom the umask shut out has no part in it."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "tool").write_text("x")
    (tmp_path / "tool").chmod(0o700)

    assert [entry.is_executable for entry in entries(tmp_path) if isinstance(entry, File)] == [False, True]


def test_links_inside_become_relative(tmp_path):
    """A link to a file of the folder stays a link, wherever the folder is put."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "real").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "data" / "real")

    assert Link("link", "data/real") in list(entries(tmp_path))


@pytest.mark.parametrize(
    ("goal", "reason"), [("/etc/passwd", "links to something outside"), ("nowhere", "links to nothing")]
)
def test_links_that_lead_out_are_refused(tmp_path, goal, reason):
    """A link that leaves the folder, or leads nowhere, is an error that names it."""
    (tmp_path / "bad").symlink_to(goal)

    with pytest.raises(InvalidModel, match=f"'bad' .* {reason}"):
        list(entries(tmp_path))


def test_what_an_image_cannot_hold_is_refused(tmp_path):
    """A pipe, and a name that layers use for deletions, are errors that name them."""
    (tmp_path / ".wh.model").write_text("x")
    with pytest.raises(InvalidModel, match=r"'\.wh\.model'"):
        list(entries(tmp_path))

    (tmp_path / ".wh.model").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidModel, match=r"'pipe' .* is no file, folder or link"):
        list(entries(tmp_path))


def test_a_folder_that_is_a_link_is_read_like_its_goal(tmp_path):
    """The folder itself may be a link, as runs and versions often are in stores."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "MLmodel").write_text("x")
    (tmp_path / "link").symlink_to("real")

    assert [entry.path for entry in entries(tmp_path / "link")] == ["MLmodel"]


def test_a_link_to_itself_is_refused(tmp_path):
    """Links that go round in a circle are named."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(InvalidModel, match="'a' in the model folder links to itself"):
        list(entries(tmp_path))


def test_what_vanishes_meanwhile_is_told(tmp_path):
    """A folder that changes while it is read is an error of the folder, not of the program."""
    for name in ("a", "b"):
        (tmp_path / name).touch()
    found = entries(tmp_path)
    first = next(found)
    assert isinstance(first, File)

    for name in ("a", "b"):
        (tmp_path / name).unlink()

    with pytest.raises(InvalidModel, match=r"'b' in the model folder cannot be read \(No such file"):
        next(found)
    with pytest.raises(InvalidModel, match=r"'a' in the model folder cannot be read"), opened(first):
        pass


def test_copies_have_equal_digests(tmp_path):
    """Times, owners and the place of a folder are no part of its digest."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "MLmodel").write_text("x")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    os.utime(tmp_path / "two" / "MLmodel", (1, 1))

    assert digest(entries(tmp_path / "one")) == digest(entries(tmp_path / "two"))


@given(st.lists(st.sampled_from(["content", "name", "mode", "link", "folder"]), min_size=1, unique=True))
def test_every_change_changes_the_digest(tmp_path_factory, changes):
    """Another name, content, mode, link or folder gives another digest."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "file").write_text("x")
    before = digest(entries(folder))
    make = {
        "content": lambda: (folder / "file").write_text("y"),
        "name": lambda: (folder / "other").write_text("x"),
        "mode": lambda: (folder / "file").chmod(0o755),
        "link": lambda: (folder / "link").symlink_to("file"),
        "folder": (folder / "empty").mkdir,
    }
    for change in changes:
        make[change]()

    assert digest(entries(folder)) != before
