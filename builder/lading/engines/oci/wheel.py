"""A wheel as an archive: where each file's bytes are inside of it, and nothing that could do harm.

A wheel is a zip archive (the binary distribution format, PEP 427). Nothing is unpacked here: a member's
DEFLATE stream becomes part of a layer as it is. Everything that its directory says is checked before, and
what the streams hold is checked when they are read: a member that lies is an error, never a strange layer.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

from lading.errors import InvalidWheel
from lading.oci import deflate

_LOCAL = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_IS_ENCRYPTED = 0x1
_IS_UTF_8 = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
"""What a member may be; 0 where the archive does not tell."""

_DRIVE = re.compile(r"[A-Za-z]:")

_BOMB_BYTES = 1 << 30
_BOMB_RATIO = 100
"""DEFLATE reaches a thousand, but no package's files do, all in all."""

_NOT_A_ZIP = (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError, OverflowError)
"""What `zipfile` raises where a directory makes no sense; an ``OSError`` is from a negative offset."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a wheel file that holds a file's bytes."""

    offset_bytes: int
    packed_bytes: int
    size_bytes: int
    """Of the file."""

    crc32: int
    """Of the file."""

    is_deflated: bool
    """Else its bytes are there as they are."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a wheel."""

    name: str
    span: Span
    is_executable: bool


def invalid(wheel: Path, reason: str) -> InvalidWheel:
    """Return the error that says why *wheel* cannot be used."""
    return InvalidWheel(f"the wheel {wheel.name}: {reason}", hint="require another version of the package")


def read_members(wheel: Path) -> tuple[Member, ...]:
    """Return the files in *wheel*, in the order of its directory; folders are not listed.

    Raises:
        InvalidWheel: it is no zip archive, or a member is not what a wheel may have; names it.
    """
    try:
        with wheel.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos, end = archive.infolist(), archive.start_dir
            _check(wheel, infos)
            offsets = [_data_offset(wheel, file, info) for info in infos]
    except _NOT_A_ZIP as error:
        raise invalid(wheel, f"no readable zip archive ({error})") from error
    _check_places(wheel, infos, offsets, end)
    return tuple(
        Member(info.filename, _span(info, offset), bool(info.external_attr >> 16 & 0o111))
        for info, offset in zip(infos, offsets, strict=True)
        if not info.is_dir()
    )


def _span(info: zipfile.ZipInfo, offset: int) -> Span:
    is_deflated = info.compress_type == zipfile.ZIP_DEFLATED
    return Span(offset, info.compress_size, info.file_size, info.CRC, is_deflated)


def _check(wheel: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a directory that no honest wheel has.

    Raises:
        InvalidWheel: a member is refused; says why.
    """
    seen: set[str] = set()
    for info in infos:
        reason = _objection(info)
        if info.filename in seen:
            reason = "is there twice"
        if reason is not None:
            raise invalid(wheel, f"{info.orig_filename!r} {reason}")
        seen.add(info.filename)
    size, packed = (sum(getattr(info, name) for info in infos) for name in ("file_size", "compress_size"))
    if size > max(_BOMB_BYTES, _BOMB_RATIO * packed):
        raise invalid(wheel, f"{packed} bytes that claim to hold {size}")


def _objection(info: zipfile.ZipInfo) -> str | None:
    """Return what is wrong with a member, if anything is."""
    name = info.orig_filename
    parts = name.removesuffix("/").split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    has_another_size = info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size
    objections = {
        "has a name with a character that paths must not have": "\0" in name or "\\" in name,
        "leaves the folder that it belongs into": {"", ".", ".."} & {*parts} or _DRIVE.match(name),
        # https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
        "has a name that means a deletion in an image": any(part.startswith(".wh.") for part in parts),
        "is a link or a device, which wheels cannot have": kind not in _KINDS,
        "is encrypted": info.flag_bits & _IS_ENCRYPTED,
        "is compressed neither as stored nor as deflated": info.compress_type not in _METHODS,
        "has another size than its contents": has_another_size,
    }
    return next((reason for reason, is_true in objections.items() if is_true), None)


def _data_offset(wheel: Path, file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Return where a member's bytes begin, behind its local header.

    Some installers believe the local header, others the directory: where they differ, the same wheel would
    be different packages (https://blog.pypi.org/posts/2025-08-07-wheel-archive-confusion-attacks/).

    Raises:
        InvalidWheel: there is no such header, or it tells another name than the directory.
    """
    raw = info.orig_filename.encode("utf-8" if info.flag_bits & _IS_UTF_8 else "cp437")
    header = os.pread(file.fileno(), _LOCAL.size + len(raw), info.header_offset)
    signature, name_bytes, extra_bytes = cast("tuple[bytes, int, int]", _LOCAL.unpack_from(header))
    if signature != _LOCAL_SIGNATURE or name_bytes != len(raw) or header[_LOCAL.size :] != raw:
        raise invalid(wheel, f"{info.orig_filename!r} is not where the directory says")
    return info.header_offset + len(header) + extra_bytes


def _check_places(
    wheel: Path, infos: Sequence[zipfile.ZipInfo], offsets: Sequence[int], end_bytes: int
) -> None:
    """Refuse members that share bytes, as bombs do (https://www.bamsoftware.com/hacks/zipbomb/).

    Raises:
        InvalidWheel: two members overlap, or one reaches into the directory.
    """
    ends = [offset + info.compress_size for info, offset in zip(infos, offsets, strict=True)]
    places = sorted((info.header_offset, end, info.filename) for info, end in zip(infos, ends, strict=True))
    for (_, end, name), (start, _, _) in pairwise([*places, (end_bytes, 0, "")]):
        if end > start:
            raise invalid(wheel, f"{name!r} overlaps what follows it")


def read(file: BinaryIO, span: Span) -> bytes:
    """Return the bytes of a small file in the wheel *file*.

    Raises:
        InvalidWheel: they are not what the directory says.
    """
    return b"".join(inflate(file, span))


def packed(file: BinaryIO, span: Span, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
    """Yield the bytes of *span* as the wheel *file* has them.

    Raises:
        InvalidWheel: the file ends before.
    """
    position, end = span.offset_bytes, span.offset_bytes + span.packed_bytes
    while position < end:
        chunk = os.pread(file.fileno(), min(chunk_bytes, end - position), position)
        if not chunk:
            raise invalid(Path(file.name), "it ends too early")
        position += len(chunk)
        yield chunk


def inflate(file: BinaryIO, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a file in the wheel *file*.

    Raises:
        InvalidWheel: they are not what the directory says, or their DEFLATE stream does not end where it
            should: what followed it would become part of the layer.
    """
    crc32 = size = 0
    try:
        chunks = packed(file, span)
        for chunk in deflate.inflate(chunks) if span.is_deflated else chunks:
            crc32, size = zlib.crc32(chunk, crc32), size + len(chunk)
            if size > span.size_bytes:
                break
            yield chunk
    except ValueError as error:
        raise _damaged(file, span) from error
    if (crc32, size) != (span.crc32, span.size_bytes):
        raise _damaged(file, span)


def _damaged(file: BinaryIO, span: Span) -> InvalidWheel:
    wheel = Path(file.name)
    names = [member.name for member in read_members(wheel) if member.span == span]
    return invalid(wheel, f"the contents of {''.join(names)!r} are not those that its directory tells of")
