"""Base images from an engine: ``--base-image docker-daemon:NAME``.

The engine gives an image only as a whole (``docker save``). Its layers are kept in the store, so this
happens once for each image; the next build only asks what the name stands for. Nothing is written but
the layers themselves, while they arrive.
"""

import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docker import DockerClient
from docker.errors import ImageNotFound

from lading.digest import Digest
from lading.engines.answers import engine_errors
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.names import ENGINE
from lading.engines.oci.bases.place import naming
from lading.engines.oci.bases.saved import SavedImages
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, InvalidImage
from lading.oci.archive_reading import link_target, resolve_links
from lading.oci.blob import CHUNK_BYTES
from lading.oci.chunks import ChunkReader, counted
from lading.progress import Progress
from lading.store import Store


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
            facts = self._inspect(name.removeprefix(ENGINE))
            _require(Platform(facts["Os"], facts["Architecture"]), platform)
            saved = SavedImages(self.store, self.progress)
            image = saved.find(facts["Id"], platform) or saved.keep(
                facts["Id"], self._save(facts["Id"]), platform
            )
        return Base(name, image, known_python(image, python, name, self.store), digest=None)

    def _inspect(self, name: str) -> Mapping[str, Any]:
        try:
            return self.client.images.get(name).attrs
        except ImageNotFound as error:
            raise BuildFailed("the container engine has no such image", hint=f"docker pull {name}") from error

    def _save(self, image: str) -> dict[str, Digest]:
        """Return the files of an image, by path, which are in the store now."""
        with self.progress.transfer(image.removeprefix("sha256:")[:12], None) as advance:
            return self._receive(counted(self.client.api.get_image(image, CHUNK_BYTES), advance))

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


def _contents(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(entry)
    while file is not None and (chunk := file.read(CHUNK_BYTES)):
        yield chunk


def _require(has: Platform, wanted: Platform) -> None:
    if has != wanted:
        raise BuildFailed(f"it is for {has}, not for {wanted}", hint="use --platform or --base-image")
