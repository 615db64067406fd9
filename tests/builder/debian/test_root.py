"""File systems on paper."""

import pytest
from lading.debian.root import Root, file, folder, link, merged, moved
from lading.errors import ArchiveError


def test_folders_above_appear():
    """Every parent is there, once."""
    root = Root()

    root.add("usr/bin/a", file(b"a"))

    assert [path for path, _ in root.sorted()] == ["usr", "usr/bin", "usr/bin/a"]


def test_the_first_folder_counts():
    """Later packages do not change the mode of a folder."""
    root = Root()
    root.add("tmp", folder(0o1777))

    root.add("tmp", folder())

    assert root.nodes["tmp"].mode == 0o1777


def test_two_packages_may_have_the_same_file_but_not_different_ones():
    """The error says where."""
    root = Root()
    root.add("etc/a", file(b"a"))
    root.add("etc/a", file(b"a"))

    with pytest.raises(ArchiveError, match="different files at /etc/a"):
        root.add("etc/a", file(b"b"))
    with pytest.raises(ArchiveError, match="/etc/a of a Debian base is no folder"):
        root.add("etc/a/b", file(b""))


def test_links_are_followed():
    """Absolute and relative ones, also through folders that are links; circles end."""
    root = Root()
    root.add("usr/lib/a.so.1", file(b"a"))
    root.add("usr/lib/a.so", link("a.so.1"))
    root.add("etc/a", link("/lib/a.so"))
    root.add("etc/b", link("b"))

    found = root.find("etc/a")
    assert found is not None
    assert found.data == b"a"
    assert root.find("etc/b") is None
    assert root.find("nothing") is None


@pytest.mark.parametrize(
    ("path", "target", "place", "new"),
    [
        ("lib/x/libz.so.1", "libz.so.1.2", "usr/lib/x/libz.so.1", "libz.so.1.2"),
        ("lib/x/libz.so", "../../usr/share/z", "usr/lib/x/libz.so", "../../share/z"),
        ("lib/x/libz.so", "../y/libz.so", "usr/lib/x/libz.so", "../y/libz.so"),
        ("bin/sh", "/usr/bin/dash", "usr/bin/sh", "/usr/bin/dash"),
        ("usr/lib/libz.so", "../../lib/libz.so", "usr/lib/libz.so", "../../lib/libz.so"),
    ],
)
def test_moved_links_lead_where_they_led(path, target, place, new):
    """In a system whose ``/lib`` is in ``/usr``."""
    assert moved(path, link(target)) == (place, link(new))


def test_only_what_is_in_those_folders_is_moved():
    """``/lib`` itself is a link there."""
    assert [merged(path) for path in ("lib", "lib/a", "library/a", "usr/lib/a")] == [
        "lib",
        "usr/lib/a",
        "library/a",
        "usr/lib/a",
    ]


def test_what_is_beside_another_has_its_parents():
    """A layer over another repeats the folders of what it adds, and nothing else."""
    lower, upper = Root(), Root()
    for root in (lower, upper):
        root.add("etc/a", file(b"a"))
        root.add("var/lib/b", file(b"b"))
    upper.put("etc/a", file(b"new"))
    upper.add("usr/c", file(b"c"))

    assert [path for path, _ in upper.beside(lower.nodes).sorted()] == ["etc", "etc/a", "usr", "usr/c"]


def test_a_folder_is_followed_by_its_own_contents():
    """Names are sorted by their parts: ``a-b`` does not come between ``a`` and ``a/c``."""
    root = Root()
    for path in ("a-b", "a/c", "a.d"):
        root.add(path, file(b""))

    assert [path for path, _ in root.sorted()] == ["a", "a/c", "a-b", "a.d"]
