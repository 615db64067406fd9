"""Images out of archives, which stay as they are: a layer is a stretch of the file."""

import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from lading.environment import Platform
from lading.errors import InvalidImage
from lading.oci.archive import blob_path
from lading.oci.blob import Blob, FilePart
from lading.oci.descriptor import Descriptor
from lading.oci.docker_archive import Member, read_docker_archive
from lading.oci.manifest import MAX_BYTES
from lading.oci.reading import Found, FoundForAll, find_every_image, find_image, require_version

_Any = TypeVar("_Any")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A tar archive with images: an OCI layout, what ``docker save`` writes, or both at once."""

    path: Path
    members: Mapping[str, Member]
    """Its files; links count as what they point to."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the archive *path*; only headers are read.

        Raises:
            InvalidImage: there is none.
        """
        try:
            with tarfile.open(path, "r:") as archive:
                return cls(path, dict(_members(path, list(archive))))
        except (tarfile.TarError, ValueError, OverflowError) as error:  # the latter for odd numbers
            hint = "decompress it first, where it is compressed"
            raise InvalidImage(f"{str(path)!r} is no tar archive: {error}", hint=hint) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidImage(f"cannot read {str(path)!r}: {reason}") from error

    @property
    def is_layout(self) -> bool:
        """Whether it is an OCI layout."""
        return "index.json" in self.members

    @property
    def is_docker(self) -> bool:
        """Whether ``docker load`` would read it."""
        return "manifest.json" in self.members

    def find_in_layout(self, wanted: str | None, platform: Platform) -> Found:
        """Return the image called *wanted*, a tag or a whole name, by its index; None is the only one.

        Raises:
            BuildFailed: there is none for *platform*.
            InvalidImage: this is no layout, or it is damaged.
        """
        require_version(self._document("oci-layout"))
        return find_image(self._document("index.json"), wanted, platform, self._blob)

    def find_for_all(self, wanted: str | None) -> FoundForAll:
        """Return the image called *wanted* as `find_in_layout` does, for all platforms that it is for.

        Raises:
            BuildFailed: there is none.
            InvalidImage: this is no layout, or it is damaged.
        """
        require_version(self._document("oci-layout"))
        return find_every_image(self._document("index.json"), wanted, self._blob)

    def find_as_docker(self, wanted: str | None, platform: Platform) -> Found:
        """Return the image called *wanted*, a name as in ``docker images``; None is the only one.

        Raises:
            BuildFailed: there is none for *platform*.
            InvalidImage: the archive is of another kind, or damaged.
        """
        return Found(read_docker_archive(self.members, wanted, platform), digest=None)

    def _document(self, name: str) -> bytes:
        member = self.members.get(name)
        if member is None or member.size_bytes > MAX_BYTES:
            raise InvalidImage(f"{str(self.path)!r} has no {name}", hint="is it the right kind of archive?")
        return b"".join(member.blob.chunks())

    def _blob(self, descriptor: Descriptor) -> Blob:
        member = self.members.get(blob_path(descriptor.digest))
        if member is None or member.size_bytes != descriptor.size_bytes:
            raise InvalidImage(f"{str(self.path)!r} lacks {descriptor.digest}", hint="write it anew")
        return member.blob


def resolve_links(members: Mapping[str, _Any], links: Mapping[str, str]) -> dict[str, _Any]:
    """Return *members* and those that *links* (path to path) lead to; ``docker save`` links equal layers."""
    found = dict(members)
    for name in links:
        target, seen = name, set[str]()
        while target in links and target not in seen:
            seen.add(target)
            target = links[target]
        if target in members:
            found[name] = members[target]
    return found


def link_target(entry: tarfile.TarInfo) -> str:
    """Return the path in the archive that a link of it points to."""
    if entry.islnk():
        return posixpath.normpath(entry.linkname)
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), entry.linkname))


def _members(path: Path, entries: list[tarfile.TarInfo]) -> Iterator[tuple[str, Member]]:
    files = {
        posixpath.normpath(entry.name): Member(FilePart(path, entry.offset_data, entry.size), entry.size)
        for entry in entries
        if entry.isreg()
    }
    links = {
        posixpath.normpath(entry.name): link_target(entry)
        for entry in entries
        if entry.issym() or entry.islnk()
    }
    yield from resolve_links(files, links).items()
