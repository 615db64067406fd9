"""GNU's OpenMP library, for packages that take it for granted.

The wheels of LightGBM and PaddlePaddle need the system's ``libgomp.so.1``, and slim images have none. The
wheels of scikit-learn, XGBoost and others bring it, under a name that nobody else asks for: auditwheel adds
a hash of its content (``auditwheel.repair.copylib``). The system's loader takes a library that is loaded
already for one that is asked for if its own name, the DT_SONAME, is that; so it is loaded under that name.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

NEEDY = ("lightgbm", "paddle")
"""Packages whose wheels need the system's library; nothing is loaded for others."""

LIBRARY = "libgomp.so.1"

VENDORED = re.compile(r"libgomp-[0-9a-f-]+\.so\.1[.0-9]*")
"""How auditwheel names it."""


def provide_libgomp() -> None:
    """Load the library from a wheel, if a package wants the system's and there is none.

    Where that fails, nothing is said: the package itself says what it misses.
    """
    if sys.platform != "linux" or not any(map(is_installed, NEEDY)) or is_loadable(LIBRARY):
        return
    for file in vendored(sys.path):
        with suppress(OSError):
            load_as(LIBRARY, file)
            return


def is_installed(name: str) -> bool:
    """Tell whether the package *name* can be imported."""
    try:
        return find_spec(name) is not None
    except ValueError:  # it stands in sys.modules without a specification
        return False


def is_loadable(library: str) -> bool:
    """Tell whether the system's loader finds *library*, which is loaded then."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def vendored(folders: list[str]) -> Iterator[Path]:
    """Yield the copies of the library that packages in *folders* have brought."""
    for folder in folders:
        files = sorted(Path(folder).glob("*.libs/*"))
        yield from (file for file in files if VENDORED.fullmatch(file.name))


def load_as(name: str, file: Path) -> None:
    """Load *file* so that the loader knows it as *name*, which must not be longer than the file's.

    From memory, because the environment is read-only, and nothing else need be writable.

    Raises:
        OSError: it cannot be loaded.
    """
    own, wanted = file.name.encode(), name.encode()
    # The names in a library end with a zero each, and no name's length is written anywhere.
    content = file.read_bytes().replace(b"\0%s\0" % own, b"\0%s\0" % wanted.ljust(len(own), b"\0"))
    # Never closed: the loader remembers this path, which would become another file's.
    path = Path(f"/proc/self/fd/{os.memfd_create(name)}")
    path.write_bytes(content)
    ctypes.CDLL(str(path))
