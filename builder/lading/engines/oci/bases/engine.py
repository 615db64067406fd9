"""Base images from an engine: ``--base-image docker-daemon:NAME``.

The engine gives an image only as a whole (``docker save``). Its layers are kept in the store, so this
happens once for each image; the next build only asks what the name stands for. Nothing is written but
the layers themselves, while they arrive.
"""

import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import ImageNotFound

from lading.digest import Digest
from lading.engines.answers import engine_errors
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.packing import pack
from lading.engines.oci.bases.place import naming
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, DigestMismatch, InvalidImage
from lading.oci import document
from lading.oci.archive_reading import link_target, resolve_links
from lading.oci.blob import CHUNK_BYTES, FileBlob
from lading.oci.chunks import ChunkReader, counted
from lading.oci.docker_archive import Member, read_docker_archive
from lading.oci.image import Image
from lading.progress import Progress
from lading.store import Store

PREFIX = "docker-daemon:"

_ENTRY = "engine-image-1"
"""The kind of entry that says which blobs an image of an engine consists of."""


@dataclass(frozen=True, slots=True)
class EngineBases:
    """Images in an engine that answers."""

    client: DockerClient
    store: Store
    progress: Progress

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image of ``docker-daemon:NAME``.

        Raises:
            BuildFailed: the engine has none, it is for another platform, or it has not this Python.
            EngineUnavailable: the engine stopped answering.
            LadingError: the image cannot be read or kept.
        """
        with naming(name), engine_errors():
            facts = self._inspect(name.removeprefix(PREFIX))
            _require(Platform(facts["Os"], facts["Architecture"]), platform)
            image = self._image(facts["Id"], platform)
        return Base(name, image, known_python(image, python, name, self.store), digest=None)

    def _inspect(self, name: str) -> Mapping[str, Any]:
        try:
            return self.client.images.get(name).attrs
        except ImageNotFound as error:
            raise BuildFailed("the container engine has no such image", hint=f"docker pull {name}") from error

    def _image(self, identity: str, platform: Platform) -> Image:
        kept = self._kept(identity)
        if kept is not None:
            with suppress(DigestMismatch, InvalidImage):  # what is kept was damaged: it is replaced
                return self._read(kept, platform)
        return self._read(self._save(identity), platform)

    def _read(self, members: Mapping[str, Member], platform: Platform) -> Image:
        return pack(read_docker_archive(members, None, platform), self.store, self.progress)

    def _kept(self, image: str) -> dict[str, Member] | None:
        """Return the files of an image that was saved before; None where some are gone."""
        entry = self.store.read_entry(_ENTRY, image)
        if entry is None:
            return None
        digests = {path: Digest.parse(text) for path, text in json.loads(entry).items()}
        paths = {path: self.store.path(digest) for path, digest in digests.items()}
        return _members(paths) if all(path.is_file() for path in paths.values()) else None

    def _save(self, image: str) -> dict[str, Member]:
        """Return the files of an image, which are kept from now on."""
        with self.progress.transfer(image.removeprefix("sha256:")[:12], None) as advance:
            digests = self._receive(counted(self.client.api.get_image(image, CHUNK_BYTES), advance))
        entry = {path: str(digest) for path, digest in digests.items()}
        self.store.write_entry(_ENTRY, image, document.encode(entry))
        return _members({name: self.store.path(digest) for name, digest in digests.items()})

    def _receive(self, chunks: Iterator[bytes]) -> dict[str, Digest]:
        """Keep each file of an archive while it arrives; return their digests by path."""
        files: dict[str, Digest] = {}
        links: dict[str, str] = {}
        try:
            with tarfile.open(fileobj=ChunkReader(chunks), mode="r|") as archive:
                for entry in archive:
                    name = posixpath.normpath(entry.name)
                    if entry.isreg():
                        files[name] = self.store.add(_contents(archive, entry))
                    elif entry.issym() or entry.islnk():
                        links[name] = link_target(entry)
        except tarfile.TarError as error:
            raise InvalidImage(f"the container engine's archive cannot be read: {error}") from error
        return resolve_links(files, links)


def _members(paths: Mapping[str, Path]) -> dict[str, Member]:
    return {name: Member(FileBlob(path), path.stat().st_size) for name, path in paths.items()}


def _contents(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(entry)
    while file is not None and (chunk := file.read(CHUNK_BYTES)):
        yield chunk


def _require(has: Platform, wanted: Platform) -> None:
    if has != wanted:
        raise BuildFailed(f"it is for {has}, not for {wanted}", hint="use --platform or --base-image")
