"""``/etc/ld.so.cache``, as ``ldconfig`` writes it: where the dynamic linker finds each library.

Without it, libraries are found in the linker's own folders, but not by ``ctypes.util.find_library`` nor
in the folders of ``/etc/ld.so.conf``. The format is glibc's ``glibc-ld.so.cache1.1``
(``sysdeps/generic/dl-cache.h``), which all versions since 2.2 read.
"""

import fnmatch
import posixpath
import re
import struct
from collections.abc import Iterator, Mapping

from lading.debian.elf import MACHINES, Elf
from lading.debian.root import Root, file, link, merged
from lading.oci.tar import Kind

PATH = "etc/ld.so.cache"

_MAGIC = b"glibc-ld.so.cache1.1"
_LITTLE_ENDIAN = 2
_HEADER_BYTES = 48
_ENTRY_BYTES = 24
_FLAGS = {"amd64": 0x0303, "arm64": 0x0A03}
"""An ELF library for glibc (3), and of which processor (``sysdeps/generic/ldconfig.h``)."""

_LIBRARY = re.compile(r"(?:lib|ld-).*\.so.*")
_DEFAULTS = {"amd64": ("/lib", "/lib64", "/usr/lib", "/usr/lib64"), "arm64": ("/lib", "/usr/lib")}


def add_linker_cache(root: Root, architecture: str) -> None:
    """Put the cache of all libraries into *root*, and links to those that have another name there."""
    paths: dict[str, str] = {}
    for directory in _directories(root, architecture):
        for soname, name in _libraries(root, merged(directory.lstrip("/")), architecture):
            paths.setdefault(soname, f"{directory}/{soname}")
            place = merged(f"{directory}/{soname}".lstrip("/"))
            if place not in root.nodes:
                root.add(place, link(name))
    root.put(PATH, file(encode(paths, architecture)))


def encode(paths: Mapping[str, str], architecture: str) -> bytes:
    """Return the cache of libraries by their names; the linker searches it by halves, so order counts."""
    sonames = sorted(paths, key=sort_key, reverse=True)
    strings = b""
    entries = b""
    start = _HEADER_BYTES + _ENTRY_BYTES * len(sonames)
    for soname in sonames:
        key = start + len(strings)
        value = key + len(soname.encode()) + 1
        entries += struct.pack("<iIIIQ", _FLAGS[architecture], key, value, 0, 0)
        strings += soname.encode() + b"\0" + paths[soname].encode() + b"\0"
    header = struct.pack("<20sIIB3xI12x", _MAGIC, len(sonames), len(strings), _LITTLE_ENDIAN, 0)
    return header + entries + strings


def sort_key(name: str) -> tuple[tuple[int, int], ...]:
    """Return what sorts as glibc's ``_dl_cache_libcmp``: numbers by value, and after all else."""
    return tuple(
        (1, int(part)) if part.isdigit() else (0, ord(part)) for part in re.findall(r"[0-9]+|[^0-9]", name)
    )


def _directories(root: Root, architecture: str) -> Iterator[str]:
    """Yield the folders of libraries in ldconfig's order, each once."""
    seen = set()
    for directory in (*_configured(root, "etc/ld.so.conf"), *_DEFAULTS[architecture]):
        place = merged(directory.lstrip("/"))
        if place not in seen and place in root.nodes:
            seen.add(place)
            yield directory


def _configured(root: Root, path: str) -> Iterator[str]:
    """Yield what ``/etc/ld.so.conf`` says, and what it includes."""
    node = root.find(path)
    for line in node.data.decode().splitlines() if node else ():
        text = line.partition("#")[0].strip()
        if text.startswith("include "):
            pattern = text.removeprefix("include ").strip().lstrip("/")
            for name, _ in root.below(posixpath.dirname(pattern)):
                if fnmatch.fnmatchcase(name, posixpath.basename(pattern)):
                    yield from _configured(root, f"{posixpath.dirname(pattern)}/{name}")
        elif text.startswith("/"):
            yield text.rstrip("/")


def _libraries(root: Root, directory: str, architecture: str) -> Iterator[tuple[str, str]]:
    """Yield the name that programs ask for, and the file's own, of all libraries in a folder."""
    for name, node in root.below(directory):
        if node.kind is Kind.FILE and _LIBRARY.fullmatch(name):
            elf = Elf.parse(node.data)
            if elf is not None and elf.machine == MACHINES[architecture]:
                yield elf.soname or name, name
