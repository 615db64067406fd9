"""Images into registries."""

from dataclasses import dataclass
from typing import ClassVar

from lading.oci.image import Image, Index
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef


@dataclass(frozen=True, slots=True)
class RegistryOutput:
    """Pushes to the registries in the images' names."""

    title: ClassVar[str] = "push"
    is_by_digest: ClassVar[bool] = True

    registries: Registries

    mounted_from: tuple[str, ...] = ()
    """Paths of repositories in the same registries that may have some of the layers."""

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Push *made* under all of *names*; ``Output`` tells the rest.

        Raises:
            PushFailed: a registry did not take it.
            LadingError: a layer cannot be read.
        """
        self.registries.push(made, *names, mounted_from=self.mounted_from)
