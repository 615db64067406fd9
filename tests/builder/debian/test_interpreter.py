"""Another CPython on a base."""

import shutil

import pytest
from lading.debian.interpreter import ForeignPython, add_interpreter
from lading.debian.linker_cache import PATH
from lading.debian.root import Root, file
from lading.environment import PythonMinor
from lading.errors import BuildFailed

from tests.builder.debian.foreign import HEADER, make_prefix
from tests.builder.debian.small_archive import ARCHITECTURE, LIBC, LIBRARY, TRIPLET

PYTHON = PythonMinor(3, 12)


@pytest.fixture
def foreign(tmp_path):
    """An installed CPython."""
    return ForeignPython(make_prefix(tmp_path / "prefix"), PYTHON, "the test's Python")


@pytest.fixture
def root():
    """A base with a C library and a linker's configuration."""
    root = Root()
    root.add("etc/ld.so.conf", file(b"/usr/local/lib\n"))
    root.add(f"usr/lib/{TRIPLET}/libc.so.6", file(LIBC.read_bytes()))
    return root


def add(root, foreign, architecture=ARCHITECTURE):
    """Put *foreign* on *root*."""
    add_interpreter(root, foreign, foreign.nodes(), architecture)


def test_the_interpreter_and_its_library_are_moved(foreign, root):
    """Without tests, byte code, build files, and what others have installed there."""
    add(root, foreign)

    found = sorted(path for path, node in root.nodes.items() if "usr/local/" in path and node.size_bytes)
    assert found == [
        "usr/local/bin/python3.12",
        "usr/local/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py",
        "usr/local/lib/python3.12/os.py",
    ]
    assert "usr/local/lib/python3.12/json/__init__.py" in root.nodes
    assert root.nodes["usr/local/bin/python"].target == "python3.12"
    assert root.nodes["usr/local/bin/python3.12"].mode == 0o755


def test_it_tells_nobody_where_it_was(foreign, root):
    """The folder that it was installed in does not count: the same interpreter is the same bytes."""
    add(root, foreign)

    data = root.nodes["usr/local/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py"].data
    assert data == HEADER.encode() + b"build_time_vars = {'prefix': '/usr/local'}\n"


def test_its_own_library_is_found_by_the_linker(foreign, root):
    """An interpreter may be a small program and a large library."""
    shutil.copy(LIBRARY, foreign.prefix / "lib/libpython3.12.so.1.0")

    add(root, foreign)

    assert b"libz.so.1\0/usr/local/lib/libz.so.1\0" in root.nodes[PATH].data


def test_a_module_may_need_the_interpreters_own_library(foreign, root):
    """What the interpreter brings itself is not looked for in the base."""
    (linker,) = LIBC.parent.glob("ld-linux-*")
    own = "libpython3.12.so.1".ljust(len(linker.name), "0")
    shutil.copy(linker, foreign.prefix / "lib" / own)
    module = foreign.prefix / "lib/python3.12/zlib.so"
    module.write_bytes(LIBC.read_bytes().replace(linker.name.encode(), own.encode()))

    add(root, foreign)

    assert "usr/local/lib/python3.12/zlib.so" in root.nodes


def test_a_library_that_the_base_lacks_is_named(foreign):
    """Such an interpreter does not start, so it is refused."""
    with pytest.raises(
        BuildFailed, match=r"the test's Python does not run .* bin/python3.12 needs libc.so.6"
    ):
        add(Root(), foreign)


def test_a_base_that_is_too_old_is_refused(foreign):
    """The symbol versions count, too: the error names them."""
    root = Root()
    root.add(f"usr/lib/{TRIPLET}/libc.so.6", file(b"\0GLIBC_2.2.5\0"))

    with pytest.raises(BuildFailed, match=r"needs GLIBC_2\.\d+ of libc\.so\.6; use a newer suite"):
        add(root, foreign)


def test_another_processor_is_refused(foreign, root):
    """A program of this machine does not run there."""
    other = {"amd64": "arm64", "arm64": "amd64"}[ARCHITECTURE]

    with pytest.raises(BuildFailed, match=f"needs another processor than {other}"):
        add(root, foreign, other)


@pytest.mark.parametrize(("module", "is_refused"), [("_tkinter", False), ("zlib", True)])
def test_modules_that_cannot_be_loaded(foreign, root, module, is_refused):
    """Those that programs do without are left out, others are missed: the interpreter is refused."""
    name = f"{module}.cpython-312-x86_64-linux-gnu.so"
    (foreign.prefix / "lib/python3.12/lib-dynload").mkdir()
    needs = next(path for path in LIBRARY.parent.glob("libssl.so.*"))
    shutil.copy(needs, foreign.prefix / "lib/python3.12/lib-dynload" / name)

    if is_refused:
        with pytest.raises(BuildFailed, match=f"lib-dynload/{module}.* needs libcrypto.so"):
            add(root, foreign)
    else:
        add(root, foreign)
        assert f"usr/local/lib/python3.12/lib-dynload/{name}" not in root.nodes


def test_what_is_no_installation_is_refused(tmp_path):
    """The error says where it was looked for."""
    with pytest.raises(BuildFailed, match=r"the test's Python has no python3\.12 and standard library at '"):
        ForeignPython(tmp_path, PYTHON, "the test's Python").nodes()
