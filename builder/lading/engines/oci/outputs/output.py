"""What every place that takes finished images can do."""

from typing import Protocol

from lading.oci.image import Image, Index
from lading.reference import ImageRef


class Output(Protocol):
    """A place for finished images."""

    @property
    def title(self) -> str:
        """What is done there, as progress tells it."""
        ...

    @property
    def is_by_digest(self) -> bool:
        """Whether an image is found there by its manifest's digest."""
        ...

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Bring *made* there, under all of *names*.

        A name points to the new image only when that is complete; until then it keeps the old one.

        Raises:
            LadingError: it cannot be brought there; says which part, where, and what to do.
        """
        ...
