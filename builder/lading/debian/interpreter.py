"""Another CPython on a Debian base: one that was built elsewhere, with the libraries that the base has.

CPython finds its standard library beside its program, so that an installation can be moved to
``/usr/local``. What it links to does not come along: each program and module is read, and the libraries
and the versions of their symbols that it asks for must be in the base.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lading.debian.elf import MACHINES, Elf
from lading.debian.linker_cache import add_linker_cache
from lading.debian.root import Node, Root, file, file_part, link
from lading.debian.version import DebianVersion
from lading.digest import Digest
from lading.environment import PythonMinor
from lading.errors import BuildFailed
from lading.oci.tar import Kind

PREFIX = "usr/local"

_LEFT_OUT = {
    *("site-packages", "dist-packages"),  # of whoever uses this interpreter, not of the interpreter
    *("ensurepip", "idlelib", "tkinter", "turtledemo", "turtle.py", "lib2to3/tests"),
    "EXTERNALLY-MANAGED",
}
_TESTS = {"__pycache__", "test", "tests", "idle_test"}
_BUILD_DATA = "_sysconfigdata_"
_ENDINGS = (".a", ".o", ".pyc")
_DISPENSABLE = {"_curses", "_curses_panel", "_dbm", "_gdbm", "_tkinter", "_uuid", "nis", "readline"}
"""Modules that a base may lack: programs do without them, or have others for the purpose."""


@dataclass(frozen=True, slots=True)
class ForeignPython:
    """A CPython in a folder of this machine."""

    prefix: Path
    """The folder with its ``bin`` and ``lib``."""

    python: PythonMinor
    title: str
    """What errors call it."""

    @property
    def name(self) -> str:
        """The interpreter's own name."""
        return f"python{self.python}"

    def nodes(self) -> dict[str, Node]:
        """Return what of it belongs in an image, by path.

        Raises:
            BuildFailed: it is not what it should be.
        """
        program = self.prefix / "bin" / self.name
        library = self.prefix / "lib" / self.name
        if not program.is_file() or not (library / "os.py").is_file():
            raise BuildFailed(f"{self.title} has no {self.name} and standard library at {str(self.prefix)!r}")
        nodes = {f"{PREFIX}/bin/{self.name}": _file(program.resolve())}
        nodes |= {f"{PREFIX}/bin/{short}": link(self.name) for short in ("python", "python3")}
        for path in _shared(self.prefix, self.name):
            nodes[f"{PREFIX}/lib/{path.name}"] = _file(path.resolve())
        for path in _library_files(library):
            target = f"{PREFIX}/lib/{self.name}/{path.relative_to(library).as_posix()}"
            nodes[target] = self._moved(path) if path.name.startswith(_BUILD_DATA) else _file(path.resolve())
        return nodes

    def _moved(self, path: Path) -> Node:
        """Return a file that names the prefix: uv writes the folder into it where it has installed to."""
        data = path.read_bytes()
        if self.prefix != Path("/usr"):  # which others have in common; Debian's own says the right things
            data = data.replace(str(self.prefix).encode(), f"/{PREFIX}".encode())
        return file(data)


def _shared(prefix: Path, name: str) -> Iterator[Path]:
    """Yield the interpreter's own shared library, where it has one, under the name that it is linked by."""
    for folder in (prefix / "lib", *sorted((prefix / "lib").glob("*-linux-gnu"))):
        yield from sorted(folder.glob(f"lib{name}.so.*"))


def _library_files(library: Path) -> Iterator[Path]:
    """Yield the files of the standard library, sorted."""
    for folder, names, files in os.walk(library):
        place = Path(folder).relative_to(library)
        names[:] = sorted(name for name in names if _belongs(place / name, name))
        for name in sorted(files):
            path = Path(folder, name)
            if _belongs(place / name, name) and not name.endswith(_ENDINGS) and path.is_file():
                yield path


def _belongs(path: Path, name: str) -> bool:
    is_build = len(path.parts) == 1 and name.startswith("config-")
    return not is_build and name not in _TESTS and path.as_posix() not in _LEFT_OUT


def _file(path: Path) -> Node:
    status = path.stat()
    mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    return file_part(path, 0, status.st_size, Digest.of_file(path), mode)


def add_interpreter(
    root: Root, interpreter: ForeignPython, nodes: Mapping[str, Node], architecture: str
) -> None:
    """Put *interpreter*, which has *nodes*, into *root*; modules that the base cannot load are left out.

    Raises:
        BuildFailed: the base lacks what the interpreter, or a module that programs rely on, links to.
    """
    libraries = _Libraries(root)
    for path, node in nodes.items():
        if node.kind is Kind.FILE and path.startswith(f"{PREFIX}/lib/lib"):
            libraries.own[path.rpartition("/")[2]] = node
    for path, node in nodes.items():
        elf = Elf.parse(node.data) if node.kind is Kind.FILE and _may_be_elf(path) else None
        wrong = list(libraries.shortages(elf, architecture)) if elf else []
        name = path.rpartition("/")[2].partition(".")[0]
        if not wrong:
            root.put(path, node)
        elif name not in _DISPENSABLE:
            what = path.removeprefix(f"{PREFIX}/")
            raise BuildFailed(
                f"{interpreter.title} does not run on this base: {what} needs {' and '.join(wrong)}",
                hint="use a newer suite, or give --base-image an image with this Python",
            )
    add_linker_cache(root, architecture)


def _may_be_elf(path: str) -> bool:
    return ".so" in path or path.startswith(f"{PREFIX}/bin/")


@dataclass(frozen=True, slots=True)
class _Libraries:
    """The shared libraries that programs find in a root file system."""

    root: Root
    own: dict[str, Node] = field(default_factory=dict)
    """Those that the interpreter brings."""

    contents: dict[str, bytes] = field(default_factory=dict)
    """Of libraries that were asked for; empty for those that are not there."""

    def shortages(self, elf: Elf, architecture: str) -> Iterator[str]:
        """Yield what *elf* needs and the base has not."""
        if elf.machine != MACHINES[architecture]:
            yield f"another processor than {architecture}"
            return
        missing = [name for name in elf.needed if not self._content(name)]
        yield from missing
        versions = sorted(elf.versions, key=lambda pair: DebianVersion(pair[1]))
        lacking = {name: version for name, version in versions if not self._defines(name, version)}
        yield from (f"{lacking[name]} of {name}" for name in sorted(lacking.keys() - {*missing}))

    def _defines(self, name: str, version: str) -> bool:
        """Return whether a library has symbols of *version*, whose names are in its string table."""
        return f"\0{version}\0".encode() in self._content(name)

    def _content(self, name: str) -> bytes:
        if name not in self.contents:
            self.contents[name] = next(self._found(name), b"")
        return self.contents[name]

    def _found(self, name: str) -> Iterator[bytes]:
        if name in self.own:
            yield self.own[name].data
        for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib"):
            node = self.root.find(f"{folder}/{name}")
            if node is not None:
                yield node.data
