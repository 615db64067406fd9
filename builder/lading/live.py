"""A finished image that somebody wants changed."""

from collections.abc import Callable
from dataclasses import dataclass

from lading.oci.contents import images
from lading.oci.image import Image, Index


@dataclass(frozen=True, slots=True)
class LiveImage:
    """An image for one platform or several; its layers are read when somebody asks."""

    name: str
    """As the user wrote it."""

    made: Image | Index

    @property
    def images(self) -> tuple[Image, ...]:
        """The image for each platform."""
        return tuple(images(self.made))

    def changed(self, change: Callable[[Image], Image]) -> Image | Index:
        """Return it with each platform's image changed."""
        made = tuple(map(change, self.images))
        return Index(made, self.made.annotations) if isinstance(self.made, Index) else made[0]
