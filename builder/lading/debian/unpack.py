"""The files of packages, as they will be in the image; no maintainer script is run.

Contents go to one temporary file for each package, a stretch for each: nothing is written to disk as a
tree, so that neither the umask nor the file system of this machine has a say.
"""

import hashlib
import posixpath
import re
import tarfile
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lading.debian.deb import Deb
from lading.debian.root import Node, file_part, folder, link, moved
from lading.digest import Digest
from lading.errors import ArchiveError
from lading.oci.tar import Kind

_DROPPED = re.compile(
    r"usr/share/(?:man|locale|info|lintian|bug|gcc|gdb|doc-base|bash-completion|applications|pixmaps|menu)(?:/.*)?"
    r"|usr/share/doc/(?:.*/)?(?!copyright$)[^/]*"
    r"|usr/share/zoneinfo/right(?:/.*)?"
    r"|usr/lib/(?:[^/]+/)?gconv(?:/.*)?"
)
"""What no program reads: documents, messages in other languages, and the character sets of ``iconv``.
Licences stay. Time zones with leap seconds are for clocks, not for programs."""

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One package, ready to be put into a root file system."""

    name: str
    nodes: tuple[tuple[str, Node], ...]
    control: str
    """Its control file, which scanners read."""

    checksums: str
    """Its list of MD5 sums, which scanners read too."""


@dataclass(frozen=True, slots=True)
class Unpacker:
    """Unpacks packages; several threads may use one."""

    folder: Path
    """Where the contents are put; it must stay as long as the nodes are used."""

    def unpack(self, deb: Deb) -> Unpacked:
        """Return what is in *deb*.

        Raises:
            ArchiveError: it cannot be read, or has what no package may have.
        """
        with deb.control() as archive:
            control = _texts(archive, {"control", "md5sums"})
        path = self.folder / deb.name
        with deb.data() as archive, path.open("wb") as file:
            nodes = dict(_Contents(file, path, deb.name).nodes(archive))
        kept = {each: node for each, node in nodes.items() if _is_kept(each, node)}
        checksums = _checksums(control.get("md5sums", ""), kept)
        return Unpacked(deb.name, tuple(kept.items()), control.get("control", ""), checksums)


@dataclass(frozen=True, slots=True)
class _Contents:
    """Reads one package's files."""

    file: BinaryIO
    """Where contents are put."""

    path: Path
    """Of that file."""

    package: str

    def nodes(self, archive: tarfile.TarFile) -> Iterator[tuple[str, Node]]:
        """Yield what is at each path."""
        seen: dict[str, Node] = {}
        for member in archive:
            path = _path(member.name, self.package)
            if not path:
                continue
            seen[path] = node = self._node(archive, member, seen)
            yield moved(path, node)

    def _node(self, archive: tarfile.TarFile, member: tarfile.TarInfo, seen: Mapping[str, Node]) -> Node:
        if member.islnk():
            return _linked(seen, member, self.package)
        if member.isdir():
            return folder(member.mode & 0o1777)
        if member.issym():
            return link(member.linkname)
        content = archive.extractfile(member) if member.isreg() else None
        if content is None:
            raise ArchiveError(
                f"the package {self.package} has neither file, link nor folder at {member.name!r}"
            )
        offset, sha256 = self.file.tell(), hashlib.sha256()
        while chunk := content.read(_CHUNK_BYTES):
            sha256.update(chunk)
            self.file.write(chunk)
        digest = Digest(sha256.hexdigest())
        return file_part(self.path, offset, member.size, digest, member.mode & 0o777)


def _is_kept(path: str, node: Node) -> bool:
    """Return whether something at *path* is worth its bytes; links to another package's licence are."""
    return not _DROPPED.fullmatch(path) or (node.kind is Kind.LINK and path.startswith("usr/share/doc/"))


def _linked(seen: Mapping[str, Node], member: tarfile.TarInfo, package: str) -> Node:
    """Return what a hard link is of: a layer may have it once for each name, as copies."""
    target = _path(member.linkname, package)
    if target not in seen:
        raise ArchiveError(f"the package {package} has a link to what it has not: {member.linkname!r}")
    return seen[target]


def _path(name: str, package: str) -> str:
    """Return the path of a member, empty for the root itself."""
    path = posixpath.normpath(name.removeprefix("./"))
    if path.startswith("/") or path.split("/")[0] == "..":
        raise ArchiveError(f"the package {package} has a file outside of the root: {name!r}")
    return "" if path == "." else path


def _texts(archive: tarfile.TarFile, names: set[str]) -> dict[str, str]:
    texts = {}
    for member in archive:
        name = member.name.removeprefix("./")
        content = archive.extractfile(member) if name in names and member.isreg() else None
        if content is not None:
            texts[name] = content.read().decode(errors="replace")
    return texts


def _checksums(text: str, kept: Container[str]) -> str:
    """Return those lines of a list of MD5 sums that are of files in the image."""
    rows = (line.partition("  ") for line in text.splitlines())
    moved_rows = ((checksum, moved(path, link(""))[0]) for checksum, _, path in rows)
    return "".join(f"{checksum}  {path}\n" for checksum, path in moved_rows if path in kept)
