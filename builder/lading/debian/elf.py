"""What the dynamic linker reads of programs and libraries (System V ABI, chapters 4 and 5; 64 bit only)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

_MAGIC = b"\x7fELF\x02\x01"
"""64 bit, little endian: both processors that Lading makes images for."""

_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF

MACHINES = {"amd64": 62, "arm64": 183}
"""``e_machine`` by the name that Debian and OCI images have for it."""


@dataclass(frozen=True, slots=True)
class Elf:
    """One program or library."""

    machine: int

    interpreter: str = ""
    """The dynamic linker of a program."""

    soname: str = ""
    needed: tuple[str, ...] = ()
    runpath: str = ""
    """Where it looks for libraries first; may have ``$ORIGIN`` for its own folder."""

    versions: tuple[tuple[str, str], ...] = ()
    """Libraries and the symbol versions that it needs of them, such as ``libc.so.6`` and ``GLIBC_2.34``."""

    @staticmethod
    def parse(data: bytes) -> "Elf | None":
        """Return what *data* says; None where it is no 64-bit ELF file, or is broken."""
        if not data.startswith(_MAGIC):
            return None
        try:
            return _read(struct.unpack_from("<H", data, 18)[0], _Segments.of(data))
        except (struct.error, ValueError, IndexError):
            return None


@dataclass(frozen=True, slots=True)
class _Segments:
    """The program headers of a file."""

    data: bytes
    headers: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, data: bytes) -> Self:
        offset, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
        return cls(
            data, tuple(struct.unpack_from("<IIQQQQQQ", data, offset + n * size) for n in range(count))
        )

    def find(self, kind: int) -> bytes:
        """Return the contents of the first segment of a *kind*."""
        for type_, _, offset, _, _, size, *_ in self.headers:
            if type_ == kind:
                return self.data[offset : offset + size]
        return b""

    def offset(self, address: int) -> int:
        """Return where in the file that is what will be at *address* in memory."""
        for type_, _, offset, start, _, size, *_ in self.headers:
            if type_ == _LOAD and start <= address < start + size:
                return address - start + offset
        raise ValueError(f"nothing is at {address:#x}")

    def text(self, offset: int) -> str:
        """Return the string at *offset* of the file."""
        return self.data[offset : self.data.index(b"\0", offset)].decode()


def _read(machine: int, segments: _Segments) -> Elf:
    """Return what the dynamic linker would read."""
    interpreter = segments.find(_INTERPRETER).rstrip(b"\0").decode()
    entries = list(_dynamic(segments.find(_DYNAMIC)))
    single = dict(entries)
    if _STRTAB not in single:
        return Elf(machine, interpreter)
    strings = segments.offset(single[_STRTAB])
    return Elf(
        machine,
        interpreter,
        soname=segments.text(strings + single[_SONAME]) if _SONAME in single else "",
        needed=tuple(segments.text(strings + value) for tag, value in entries if tag == _NEEDED),
        runpath=":".join(segments.text(strings + single[tag]) for tag in (_RUNPATH, _RPATH) if tag in single),
        versions=tuple(_versions(segments, strings, single)),
    )


def _dynamic(data: bytes) -> Iterator[tuple[int, int]]:
    for tag, value in struct.iter_unpack("<QQ", data[: len(data) - len(data) % 16]):
        if tag == 0:
            return
        yield tag, value


def _versions(segments: _Segments, strings: int, single: dict[int, int]) -> Iterator[tuple[str, str]]:
    """Yield what the version requirements say (LSB, section 10.7.3)."""
    if _VERNEED not in single:
        return
    position = segments.offset(single[_VERNEED])
    for _ in range(single.get(_VERNEEDNUM, 0)):
        _, count, file, first, following = struct.unpack_from("<HHIII", segments.data, position)
        library, auxiliary = segments.text(strings + file), position + first
        for _ in range(count):
            _, _, _, name, next_auxiliary = struct.unpack_from("<IHHII", segments.data, auxiliary)
            yield library, segments.text(strings + name)
            auxiliary += next_auxiliary
        position += following
