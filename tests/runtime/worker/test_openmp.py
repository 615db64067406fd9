"""GNU's OpenMP library for packages that expect it of the system.

What is loaded stays loaded, so each test has a process of its own. NumPy's wheel is what auditwheel has made,
too, and its libraries stand for the one that it does not bring.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

LIBRARIES = Path(np.__file__).parents[1] / "numpy.libs"

PROVIDE = """\
import ctypes, re, sys
from lading_runtime.worker import openmp

openmp.NEEDY, openmp.LIBRARY = (sys.argv[1],), "libabsent.so.1"
openmp.VENDORED = re.compile(r"libquadmath-[0-9a-f-]+\\.so[.0-9]+")
openmp.provide_libgomp()
print(openmp.is_loadable("libabsent.so.1"))
"""


def printed(program: str, *arguments: object) -> str:
    """Run a program in a new process; return what it printed."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(("package", "is_there"), [("numpy", "True"), ("absent_package", "False")])
def test_a_wheels_library_stands_for_the_systems(package, is_there):
    """What the system lacks is found in a wheel, but only where a package needs it."""
    assert printed(PROVIDE, package) == is_there


def test_the_systems_own_library_is_preferred():
    """Where the system has the library, no wheel's is loaded."""
    program = (
        PROVIDE.replace("libabsent.so.1", "libc.so.6") + 'print("memfd" in open("/proc/self/maps").read())'
    )

    assert printed(program, "numpy").split() == ["True", "False"]


def test_the_library_works_under_its_new_name():
    """A library that is loaded under another name has its functions."""
    (file,) = LIBRARIES.glob("libquadmath-*")
    program = """\
import ctypes, sys
from pathlib import Path
from lading_runtime.worker.openmp import load_as

load_as("libother.so.9", Path(sys.argv[1]))
print(bool(ctypes.CDLL("libother.so.9").strtoflt128))
"""

    assert printed(program, file) == "True"


def test_a_broken_library_is_passed_over(tmp_path):
    """What cannot be loaded is left out; the package itself says what it misses."""
    (tmp_path / "broken.libs").mkdir()
    (tmp_path / "broken.libs" / "libquadmath-0a1b.so.1").write_bytes(b"no library")
    program = PROVIDE.replace("openmp.provide", "sys.path[:0] = [sys.argv[2]]\nopenmp.provide")

    assert printed(program, "numpy", tmp_path) == "True"
