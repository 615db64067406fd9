"""What a base image's interpreter needs to run elsewhere, taken out of the image's layers.

Its program, its standard library, the libraries that these are linked with, and the dynamic linker, put into
the folders that the interpreter looks into below ``PYTHONHOME``:

    bin/python3.11
    lib/python3.11/…            of the standard library, what a program imports that only compiles
    lib/libc.so.6, lib/ld-linux-x86-64.so.2, …
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lading.debian.elf import Elf
from lading.oci.image import Image
from lading.oci.tree import File, Folder, Tree, read_files, read_tree

_PACKAGES = ("collections", "encodings", "importlib", "json", "re")
"""Of the standard library; beside them, all modules that are in no package."""

_EXTENSIONS = "lib-dynload"

_LIKELY = re.compile(
    r"(?:.*/)?(?:bin/python[\d.]+|ld-linux-[^/]*\.so[\d.]*|lib(?:c|dl|expat|m|pthread|python[\d.]+|util|z)\.so[\d.]*"
    rf"|lib(?:64)?/python[\d.]+/(?:(?:(?:{'|'.join(_PACKAGES)})/(?:[^/]+/)?)?[^/]+\.py|{_EXTENSIONS}/[^/]+\.so))"
)
"""What most interpreters need; others are known only when these were read, and cost another reading."""

_LIBRARIES = (
    *("/usr/local/lib", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"),
    *("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"),
)
"""Where the dynamic linkers of the distributions look."""

_ORIGINS = ("$ORIGIN", "${ORIGIN}")


@dataclass(frozen=True, slots=True)
class Program:
    """An interpreter in the folders that it runs in."""

    path: str
    """Below the folder, as all of its files."""

    linker: str
    files: dict[str, bytes]


def take(image: Image, python: str) -> Program | None:
    """Return the interpreter *python* of *image*; None where it is no program with a dynamic linker.

    Raises:
        DigestMismatch: a layer is damaged.
        InvalidImage: a layer cannot be read by this Python.
    """
    tree = read_tree(image, lambda path: _LIKELY.fullmatch(path) is not None)
    found = tree.find(python)
    if found is None or not isinstance(found[1], File):
        return None
    origin, name = posixpath.dirname(found[0]), posixpath.basename(python)
    path, libraries = f"bin/{name}", _Libraries(tree, (f"{posixpath.dirname(origin)}/lib", *_LIBRARIES))
    wanted = {path: found[1], **dict(_standard_library(tree, origin, name))}
    files = dict(read_files(image, wanted))
    program = Elf.parse(files.get(path, b""))
    if program is None or not program.interpreter:
        return None
    while missing := libraries.missing(program, files, origin):
        files |= dict(read_files(image, missing))
    linker = f"lib/{posixpath.basename(program.interpreter)}"
    return Program(path, linker, files) if linker in files else None


def _standard_library(tree: Tree, origin: str, name: str) -> Iterator[tuple[str, File]]:
    """Yield the files of the standard library, each with where it goes."""
    prefix = posixpath.dirname(origin)
    for folder in (f"lib/{name}", f"lib64/{name}"):  # Fedora's and its relatives' is in lib64
        found = tree.find(f"{prefix}/{folder}")
        if found and isinstance(found[1], Folder):
            for path in _modules(found[1]):
                module = tree.find(f"{prefix}/{folder}/{path}")
                if module and isinstance(module[1], File):
                    yield f"{folder}/{path}", module[1]


def _modules(library: Folder) -> Iterator[str]:
    yield from (name for name in library.children if name.endswith(".py"))
    for package in (*_PACKAGES, _EXTENSIONS):
        folder = library.children.get(package)
        if isinstance(folder, Folder):
            names = (name for name in folder.children if name.endswith((".py", ".so")))
            yield from (f"{package}/{name}" for name in names)
            yield from (
                f"{package}/{inner}/{name}"
                for inner, child in folder.children.items()
                if isinstance(child, Folder)
                for name in child.children
                if name.endswith(".py")
            )


@dataclass(frozen=True, slots=True)
class _Libraries:
    """The shared libraries of an image, by where dynamic linkers look."""

    tree: Tree
    folders: tuple[str, ...]

    def missing(self, program: Elf, files: dict[str, bytes], origin: str) -> dict[str, File]:
        """Return the libraries that *program* and those among *files* need and that are not there yet."""
        parsed = [program, *(elf for name in files if ".so" in name and (elf := _library(name, files)))]
        wanted = {name: elf.runpath for elf in parsed for name in elf.needed}
        wanted[posixpath.basename(program.interpreter)] = posixpath.dirname(program.interpreter)
        found = {
            target: self._find(name, runpath, origin)
            for name, runpath in wanted.items()
            if (target := f"lib/{posixpath.basename(name)}") not in files
        }
        return {target: file for target, file in found.items() if file is not None}

    def _find(self, name: str, runpath: str, origin: str) -> File | None:
        """Return the library that a file in the folder *origin* means by *name*."""
        folders = [folder for folder in runpath.split(":") if folder] + [*self.folders]
        paths = [name] if "/" in name else [f"{folder}/{name}" for folder in folders]
        return next(self._files(_placed(path, origin) for path in paths), None)

    def _files(self, paths: Iterable[str]) -> Iterator[File]:
        found = (self.tree.find(path) for path in paths)
        return (each[1] for each in found if each and isinstance(each[1], File))


def _library(name: str, files: dict[str, bytes]) -> Elf | None:
    """Return the header of a library; modules of the standard library bring theirs only if they are used."""
    return None if _EXTENSIONS in name else Elf.parse(files[name])


def _placed(path: str, origin: str) -> str:
    for variable in _ORIGINS:
        path = path.replace(variable, origin)
    return path
