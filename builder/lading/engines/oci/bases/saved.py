"""Images that an engine gave before: kept whole, under the ids that stand for their contents."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.engines.oci.bases.packing import pack
from lading.environment import Platform
from lading.errors import DigestMismatch, InvalidImage
from lading.oci import document
from lading.oci.blob import FileBlob
from lading.oci.docker_archive import Member, read_docker_archive
from lading.oci.image import Image
from lading.progress import Progress
from lading.store import Store

_ENTRY = "engine-image-1"
"""The kind of entry that says which blobs an image of an engine consists of."""


@dataclass(frozen=True, slots=True)
class SavedImages:
    """What ``docker save`` gave, in the store."""

    store: Store
    progress: Progress

    def find(self, identity: str, platform: Platform) -> Image | None:
        """Return the image with this id; None where it was not saved, or some of it is gone or damaged."""
        entry = self.store.read_entry(_ENTRY, identity)
        if entry is None:
            return None
        digests = {path: Digest.parse(text) for path, text in json.loads(entry).items()}
        if not all(self.store.path(digest).is_file() for digest in digests.values()):
            return None
        with suppress(DigestMismatch, InvalidImage):  # what is kept was damaged: it is replaced
            return self._read(digests, platform)
        return None

    def keep(self, identity: str, digests: Mapping[str, Digest], platform: Platform) -> Image:
        """Return the image that consists of these blobs, by path; it is found from now on.

        Raises:
            LadingError: they are no image, or cannot be kept.
        """
        entry = {path: str(digest) for path, digest in digests.items()}
        self.store.write_entry(_ENTRY, identity, document.encode(entry))
        return self._read(digests, platform)

    def _read(self, digests: Mapping[str, Digest], platform: Platform) -> Image:
        members = {name: _member(self.store.path(digest)) for name, digest in digests.items()}
        return pack(read_docker_archive(members, None, platform), self.store, self.progress)


def _member(path: Path) -> Member:
    return Member(FileBlob(path), path.stat().st_size)
