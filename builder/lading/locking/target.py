"""The machine that an environment is locked for: its markers (PEP 508) and wheel tags (PEP 425)."""

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import Environment as MarkerValues
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags

from lading.environment import Platform, PythonMinor

GLIBC_MINOR = 36
"""glibc 2.36: that of Debian bookworm, hence of the default base ``python:<minor>-slim-bookworm``.

Debian's own Python 3.9 is that of bullseye, whose glibc is older (`OLDER_GLIBC_MINORS`).

A wheel says which glibc it needs at least (PEP 600). Nearly all ask for 2.17 or 2.28; the higher bound
only lets those in that would otherwise be built from source, or be missing.
"""

OLDER_GLIBC_MINORS = {PythonMinor(3, 9): 31}
"""glibc 2.31: that of Debian bullseye, the base that Lading assembles for this Python."""

FIRST_PATCH = 2
"""The patch level that markers and ``requires-python`` are evaluated for: 3.11 means 3.11.2.

The base has that or a later one: no stable distribution ever shipped an earlier (bullseye: 3.9.2,
bookworm: 3.11.2). A low level is the careful one, because markers like ``python_full_version <
'3.11.3'`` add a backport, which harms nobody; but .0 and .1 are refused by packages such as
cryptography (``!=3.9.0,!=3.9.1``).
"""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_OLDEST_GLIBC_MINOR = {"amd64": 5, "arm64": 17}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True, slots=True)
class Target:
    """A CPython on a Linux with glibc."""

    python: PythonMinor
    platform: Platform

    patch: int = FIRST_PATCH
    """Of the Python."""

    @property
    def glibc_minor(self) -> int:
        """The oldest glibc 2 that the bases of this Python have."""
        return OLDER_GLIBC_MINORS.get(self.python, GLIBC_MINOR)

    @property
    def machine(self) -> str:
        """The processor, as ``uname -m`` says it."""
        return _MACHINES[self.platform.architecture]

    @property
    def full_version(self) -> str:
        """The Python with its patch level."""
        return f"{self.python}.{self.patch}"

    @property
    def uv_platform(self) -> str:
        """The platform as uv's ``--python-platform`` names it."""
        return f"{self.machine}-manylinux_2_{self.glibc_minor}"

    @property
    def marker(self) -> str:
        """The PEP 508 marker that is true there and nowhere else."""
        return (
            f"python_version == '{self.python}' and sys_platform == '{self.platform.os}'"
            f" and platform_machine == '{self.machine}'"
        )

    def admitted_by(self, specifiers: SpecifierSet) -> "Target":
        """Return this target at the first patch level that *specifiers* admit; itself if none is."""
        patches = range(self.patch, 100)
        admitted = (patch for patch in patches if specifiers.contains(f"{self.python}.{patch}"))
        return Target(self.python, self.platform, next(admitted, self.patch))

    def marker_values(self) -> MarkerValues:
        """Return what markers are evaluated with."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full_version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",  # a kernel's; an image has none
            "platform_system": self.platform.os.capitalize(),
            "platform_version": "",
            "python_full_version": self.full_version,
            "python_version": str(self.python),
            "sys_platform": self.platform.os,
        }

    def tags(self) -> Iterator[Tag]:
        """Yield the tags of wheels that can be installed there, best first."""
        version = (self.python.major, self.python.minor)
        interpreter = f"cp{self.python.major}{self.python.minor}"
        abi = f"{interpreter}m" if version < (3, 8) else interpreter
        platforms = list(self._platforms())
        yield from cpython_tags(version, [abi], platforms)
        yield from compatible_tags(version, interpreter, platforms)

    def _platforms(self) -> Iterator[str]:
        yield f"linux_{self.machine}"
        oldest = _OLDEST_GLIBC_MINOR[self.platform.architecture]
        for minor in range(self.glibc_minor, oldest - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in _LEGACY:
                yield f"{_LEGACY[minor]}_{self.machine}"
