"""The dynamic linker's cache, compared with ldconfig's own."""

import functools
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.debian.linker_cache import PATH, add_linker_cache, encode, sort_key
from lading.debian.root import Root, file, link

from tests.builder.debian.small_archive import ARCHITECTURE, TRIPLET
from tests.conftest import run

NAMES = st.text("lib.so0123456789-+a", min_size=1, max_size=12)
LIBRARIES = sorted(path for path in Path("/lib", TRIPLET).glob("lib[a-g]*.so.[0-9]") if path.exists())[:40]


def compare(left: str, right: str) -> int:
    """Return what glibc's ``_dl_cache_libcmp`` does, character by character."""
    a, b = left + "\0", right + "\0"
    i = j = 0
    while a[i] != "\0":
        if a[i].isdigit() and b[j].isdigit():
            first = second = 0
            while a[i].isdigit():
                first, i = first * 10 + int(a[i]), i + 1
            while b[j].isdigit():
                second, j = second * 10 + int(b[j]), j + 1
            if first != second:
                return first - second
        elif a[i].isdigit() or b[j].isdigit():
            return 1 if a[i].isdigit() else -1
        elif a[i] != b[j]:
            return ord(a[i]) - ord(b[j])
        else:
            i, j = i + 1, j + 1
    return ord(a[i]) - ord(b[j])


@given(st.lists(NAMES, max_size=6))
def test_names_are_ordered_as_the_linker_searches_them(names):
    """It halves the list: a name in the wrong place is not found."""
    assert [sort_key(name) for name in sorted(names, key=functools.cmp_to_key(compare))] == sorted(
        map(sort_key, names)
    )


def test_the_cache_says_what_ldconfigs_says(tmp_path):
    """Real libraries, links among them: ``ldconfig`` makes the same list, and reads ours."""
    folder = tmp_path / "root/usr/lib" / TRIPLET
    folder.mkdir(parents=True)
    (tmp_path / "root/lib").symlink_to("usr/lib")
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/ld.so.conf").write_text(f"/lib/{TRIPLET}\n/usr/lib/{TRIPLET}\n")
    root = Root()
    root.add("etc/ld.so.conf", file((tmp_path / "root/etc/ld.so.conf").read_bytes()))
    for library in LIBRARIES:
        real = library.resolve()
        shutil.copy(real, folder / real.name)
        root.add(f"usr/lib/{TRIPLET}/{real.name}", file(real.read_bytes()))

    add_linker_cache(root, ARCHITECTURE)
    run("/sbin/ldconfig", "-r", tmp_path / "root")

    (tmp_path / "ours").write_bytes(root.nodes[PATH].data)
    assert listed(tmp_path / "ours") == listed(tmp_path / "root/etc/ld.so.cache") != []
    links = {path.name: str(path.readlink()) for path in folder.iterdir() if path.is_symlink()}
    assert {name: node.target for name, node in root.below(f"usr/lib/{TRIPLET}") if node.target} == links


def listed(cache: Path) -> list[str]:
    """Return what ``ldconfig -p`` lists of a cache."""
    return [line for line in run("/sbin/ldconfig", "-p", "-C", cache).splitlines() if "=>" in line]


def test_an_empty_cache_is_a_cache(tmp_path):
    """A system without libraries has one too."""
    (tmp_path / "cache").write_bytes(encode({}, ARCHITECTURE))

    assert listed(tmp_path / "cache") == []


def test_libraries_of_other_processors_are_left_out():
    """They cannot be loaded, whatever they are called."""
    root = Root()
    other = {"amd64": "arm64", "arm64": "amd64"}[ARCHITECTURE]
    root.add("usr/lib/libz.so.1", file(LIBRARIES[0].read_bytes()))
    root.add("usr/lib/libtext.so", file(b"INPUT(libz.so)"))
    root.add("usr/lib/libother.so", link("libz.so.1"))

    add_linker_cache(root, other)

    assert root.nodes[PATH].data == encode({}, other)


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_first_folder_counts(architecture):
    """As configured, then the linker's own; missing folders do not matter."""
    root = Root()
    root.add("etc/ld.so.conf", file(b"include /etc/ld.so.conf.d/*.conf\n/opt/lib # own\nhwcap 1 nosegneg\n"))
    root.add("etc/ld.so.conf.d/a.conf", file(b"/nothing\n/opt/first/\n"))
    root.add("etc/ld.so.conf.d/README", file(b"/opt/second\n"))
    library = LIBRARIES[0].read_bytes()
    machine = {"amd64": 62, "arm64": 183}[architecture].to_bytes(2, "little")
    library = library[:18] + machine + library[20:]
    for folder in ("opt/lib", "opt/first", "opt/second", "usr/lib"):
        root.add(f"{folder}/{LIBRARIES[0].name}", file(library))

    add_linker_cache(root, architecture)

    assert b"/opt/first/" in root.nodes[PATH].data
    assert b"/opt/lib/" not in root.nodes[PATH].data
