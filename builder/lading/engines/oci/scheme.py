"""The folders of an environment in an image."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from lading.environment import PythonMinor


@dataclass(frozen=True, slots=True)
class Scheme:
    """The folders of a virtual environment (``sysconfig``'s scheme ``venv``)."""

    target: str
    """Its absolute path in the image."""

    minor: PythonMinor

    @property
    def python(self) -> str:
        """The interpreter that its scripts name."""
        return f"{self.target}/bin/python"

    @property
    def packages(self) -> str:
        """The folder of modules, below the environment."""
        return f"lib/python{self.minor}/site-packages"


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return all folders that *paths* are in."""
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found
