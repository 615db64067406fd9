"""Images into a folder: ``-o type=oci,dest=FOLDER``."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lading.oci.image import Image, Index
from lading.oci.layout import Layout
from lading.progress import Progress
from lading.reference import ImageRef


@dataclass(frozen=True, slots=True)
class LayoutOutput:
    """An OCI layout, which may hold other images already."""

    title: ClassVar[str] = "write the layout"
    is_by_digest: ClassVar[bool] = True

    folder: Path
    progress: Progress

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Add *made* to the layout.

        Raises:
            DigestMismatch: a layer has other bytes than its digest says.
            OutputFailed: the folder holds something else, or cannot be written.
        """
        Layout(self.folder).write(made, names, self.progress)
