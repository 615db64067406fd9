"""What packages may write: files inside their prefix, and nothing through a link.

rattler believes the lists that packages bring: a path with ``..`` in it is written to where it leads
(py-rattler 0.28). So the lists are read before anything is written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from lading.errors import BuildFailed


@dataclass(frozen=True, slots=True)
class Content:
    """What one package asks to have written."""

    file: str
    """The package's file name, for messages."""

    paths: tuple[str, ...]
    links: tuple[str, ...]
    """Those of ``paths`` that are symbolic links."""

    entry_points: tuple[str, ...]
    """``name = module:function``; each becomes a script of that name."""

    @classmethod
    def parse(cls, file: str, answer: dict[str, Any]) -> Self:
        """Return what rattler read in a package."""
        return cls(file, *(tuple(answer[key]) for key in ("paths", "links", "entry_points")))

    def written(self) -> Iterator[str]:
        """Yield everything that will be written."""
        yield from self.paths
        yield from (f"bin/{point.partition('=')[0].strip()}" for point in self.entry_points)


def require_inside(contents: Iterable[Content]) -> None:
    """Return when all of *contents* stay inside the prefix that they are written to.

    Raises:
        BuildFailed: one does not; names package and path.
    """
    packages = tuple(contents)
    links = {PurePosixPath(link): package.file for package in packages for link in package.links}
    for package in packages:
        for text in package.written():
            path = PurePosixPath(text)
            if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
                raise _outside(package.file, f"{text!r}, which is outside of its prefix")
            through = next((parent for parent in path.parents if parent in links), None)
            if through is not None:
                raise _outside(
                    package.file, f"{text!r} through the link {str(through)!r} of {links[through]}"
                )


def _outside(file: str, what: str) -> BuildFailed:
    return BuildFailed(f"the conda package {file} writes to {what}", hint="use another build of the package")
