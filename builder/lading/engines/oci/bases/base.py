"""What an image stands on, and what every place that has such images can do."""

from dataclasses import dataclass
from typing import Protocol

from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.oci.image import Image


@dataclass(frozen=True, slots=True)
class Base:
    """A base image with the Python that the model needs."""

    name: str
    """As the user wrote it."""

    image: Image

    python: str
    """The absolute path of its interpreter, such as ``/usr/local/bin/python3.11``."""

    digest: Digest | None
    """Of the manifest where the image comes from; None where it has none there."""


class Bases(Protocol):
    """A place that has base images."""

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image called *name*.

        Raises:
            BuildFailed: there is none, it is for another platform, or it has not this Python; says which
                it has.
            LadingError: the place cannot be reached, or gives what is no image.
        """
        ...
