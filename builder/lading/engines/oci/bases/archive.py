"""Base images from archives: ``--base-image oci-archive:FILE[:NAME]`` and ``docker-archive:FILE[:NAME]``."""

from dataclasses import dataclass, field

from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.names import DOCKER_ARCHIVE, OCI_ARCHIVE
from lading.engines.oci.bases.packing import pack
from lading.engines.oci.bases.place import naming, split_place
from lading.environment import Platform, PythonMinor
from lading.oci.archive_reading import ArchiveFile
from lading.progress import Progress, Silent
from lading.store import Store


@dataclass(frozen=True, slots=True)
class ArchiveBases:
    """Files that ``docker save``, ``podman save``, skopeo or Lading wrote; they are not unpacked."""

    store: Store
    progress: Progress = field(default_factory=Silent)

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image of an archive; one of the other kind than *name* says is read as well.

        Raises:
            BuildFailed: there is none, it is for another platform, or it has not this Python.
            LadingError: the archive is damaged.
        """
        is_docker = name.startswith(DOCKER_ARCHIVE)
        with naming(name):
            path, wanted = split_place(name.removeprefix(DOCKER_ARCHIVE).removeprefix(OCI_ARCHIVE))
            archive = ArchiveFile.open(path)
            as_docker = archive.is_docker if is_docker else not archive.is_layout
            find = archive.find_as_docker if as_docker else archive.find_in_layout
            found = find(wanted, platform)
        image = pack(found.image, self.store, self.progress) if as_docker else found.image
        return Base(name, image, known_python(image, python, name, self.store), found.digest)
