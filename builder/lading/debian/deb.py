"""Debian packages as files (``deb(5)``): an ``ar`` archive with two tar archives in it."""

import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lading.errors import ArchiveError

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_COMPRESSIONS = {"": "", ".gz": "gz", ".xz": "xz"}
"""By the end of a member's name. Debian compresses with xz; zstd is Ubuntu's way."""


@dataclass(frozen=True, slots=True)
class Deb:
    """A package file."""

    path: Path

    name: str
    """Of the package, for errors."""

    @contextmanager
    def control(self) -> Iterator[tarfile.TarFile]:
        """Give the archive of control files, to be read in its order.

        Raises:
            ArchiveError: it cannot be read.
        """
        with self._open("control.tar") as archive:
            yield archive

    @contextmanager
    def data(self) -> Iterator[tarfile.TarFile]:
        """Give the archive of what is installed, to be read in its order.

        Raises:
            ArchiveError: it cannot be read.
        """
        with self._open("data.tar") as archive:
            yield archive

    @contextmanager
    def _open(self, member: str) -> Iterator[tarfile.TarFile]:
        try:
            with self.path.open("rb") as file:
                compression = _seek(file, member)
                with tarfile.open(fileobj=file, mode=f"r|{compression}") as archive:  # type: ignore[call-overload]
                    yield archive
        except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
            raise ArchiveError(f"the package {self.name} cannot be read: {error}") from error


def _seek(file: BinaryIO, member: str) -> str:
    """Leave *file* at the contents of *member*; return how they are compressed."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is no ar archive")
    while header := file.read(_HEADER_BYTES):
        name, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
        if name.startswith(member):
            ending = name.removeprefix(member)
            if ending not in _COMPRESSIONS:
                raise ValueError(f"its {name} is compressed in a way that Debian does not use")
            return _COMPRESSIONS[ending]
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError(f"it has no {member}")
