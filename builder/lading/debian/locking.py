"""Which packages a base needs, and which versions of them Debian has now."""

import re
from functools import partial

from lading.debian.archive import Archive
from lading.debian.index import PackageIndex, best
from lading.debian.lock import BaseLock
from lading.debian.missing import Missing
from lading.debian.resolve import resolve
from lading.environment import PythonMinor
from lading.errors import BuildFailed

SYSTEM = (
    "base-files",
    "ca-certificates",
    "libc-bin",
    "libgcc-s1",
    "libgomp1",
    "libstdc++6",
    "media-types",
    "netbase",
    "tzdata",
    "zlib1g",
)
"""What the system layer is made of, with what these need: C and C++ programs run on it."""

EXCLUDED = frozenset(
    {
        # Only maintainer scripts use these.
        *("awk", "debconf", "dpkg", "install-info", "openssl", "python3", "readline-common"),
        # Only the deprecated module nis (Kerberos, RPC) and dbm.ndbm (an old database) use these.
        *("libdb5.3", "libdb5.3t64", "libnsl2", "libtirpc3", "libtirpc3t64"),
    }
)
"""What is left out although packages say that they need it."""

_OPTIONAL = ("python3-distutils", "python3-lib2to3")
"""Modules of the standard library that Debian has in packages of their own, up to Python 3.11."""

_INTERPRETER = re.compile(rb"python3\.\d+-minimal")
_OF_PYTHON = re.compile(r"(?:lib)?python3")


def lock_base(archive: Archive, suite: str, architecture: str, python: PythonMinor | None) -> BaseLock:
    """Return what a base of *suite* is made of now: the highest versions that its three suites have.

    Args:
        archive: Debian's.
        suite: such as ``bookworm``.
        architecture: as Debian names it.
        python: which interpreter; None for the libraries that Debian's own needs, without it.

    Raises:
        BuildFailed: there is no such suite, or it has not this Python; says which it has.
        LadingError: the archive cannot be reached, or cannot be believed.
    """
    with archive.progress.step(f"lock the packages of debian:{suite}"):
        try:
            releases = archive.releases(suite)
        except Missing as error:
            raise BuildFailed(
                f"Debian's archive has no suite {suite!r}", hint="such as debian:bookworm or debian:trixie"
            ) from error
        indexes = [archive.index(place, release, architecture) for place, release in releases]
        roots = _python_roots(indexes, suite, python or _newest(indexes, suite))
        find = partial(best, indexes)
        system = resolve(SYSTEM, find, EXCLUDED)
        everything = resolve((*SYSTEM, *roots), find, EXCLUDED)
        return BaseLock(
            suite=suite,
            architecture=architecture,
            dates=tuple((release.codename, release.date) for _, release in releases),
            system=tuple(system.values()),
            python=tuple(
                package
                for name, package in everything.items()
                if name not in system and (python is not None or not _OF_PYTHON.match(name))
            ),
        )


def _python_roots(indexes: list[PackageIndex], suite: str, python: PythonMinor) -> tuple[str, ...]:
    """Return the packages of the interpreter and its standard library."""
    pythons = _pythons(indexes)
    if python not in pythons:
        there = ", ".join(map(str, pythons))
        raise BuildFailed(f"debian:{suite} has no Python {python}, it has {there or 'none'}")
    optional = [name for name in _OPTIONAL if _is_for(indexes, name, python)]
    return (f"python{python}-minimal", f"libpython{python}-stdlib", *optional)


def _newest(indexes: list[PackageIndex], suite: str) -> PythonMinor:
    """Return the newest Python of a suite."""
    pythons = _pythons(indexes)
    if not pythons:
        raise BuildFailed(f"debian:{suite} has no Python whose libraries another could use")
    return pythons[-1]


def _pythons(indexes: list[PackageIndex]) -> list[PythonMinor]:
    """Return the Pythons of a suite, oldest first."""
    names = {name for index in indexes for name in index.names(_INTERPRETER)}
    return sorted(PythonMinor.parse(name.removeprefix("python").removesuffix("-minimal")) for name in names)


def _is_for(indexes: list[PackageIndex], name: str, python: PythonMinor) -> bool:
    """Return whether the newest *name* is of the Python's own version."""
    package = best(indexes, name)
    return package is not None and str(package.version).startswith(f"{python}.")
