"""Images into one file: ``-o type=oci-archive,dest=FILE``, or ``dest=-`` for standard output."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from lading.oci import files
from lading.oci.archive import archive_chunks
from lading.oci.image import Image, Index
from lading.progress import Progress
from lading.reference import ImageRef


@dataclass(frozen=True, slots=True)
class ArchiveOutput:
    """A tar archive that ``docker load``, Podman and skopeo read; replaced when the new one is whole."""

    title: ClassVar[str] = "write the archive"
    is_by_digest: ClassVar[bool] = True

    path: Path
    progress: Progress

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Write *made* to the file.

        Raises:
            DigestMismatch: a layer has other bytes than its digest says.
            OutputFailed: the file cannot be written.
        """
        target = self.path.resolve()  # where the path is a link, what it points to is replaced
        with files.output_errors(self.path), self._opened(target) as file:
            file.writelines(archive_chunks(made, names, self.progress))

    def _opened(self, target: Path) -> AbstractContextManager[BinaryIO]:
        """Return what is written: a new file, or the pipe or device that is there already."""
        if target.exists() and not target.is_file():
            return target.open("wb")
        return files.replacing(target, target.parent)


@dataclass(frozen=True, slots=True)
class StreamOutput:
    """Whoever reads the archive while it is written: standard output, say."""

    title: ClassVar[str] = "write the archive"
    is_by_digest: ClassVar[bool] = True

    file: BinaryIO
    progress: Progress

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Write *made* to the stream; a reader sees by its end whether it is whole.

        Raises:
            DigestMismatch: a layer has other bytes than its digest says.
            OutputFailed: nobody reads any more.
        """
        with files.output_errors(Path("-")):
            self.file.writelines(archive_chunks(made, names, self.progress))
            self.file.flush()
