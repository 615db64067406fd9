"""What everything that makes images can do."""

from typing import Protocol

from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan


class Engine(Protocol):
    """Makes images from plans."""

    def build(self, plans: tuple[ImagePlan, ...], names: ImageNames) -> BuiltImage:
        """Return the image that *plans* describe, one for each platform, under all of *names*.

        A name points to the new image only when that is complete; until then it keeps the old one.

        Raises:
            InvalidOption: the engine cannot make an image for so many platforms.
            EngineUnavailable: no engine answers.
            BuildFailed: the base image or the engine cannot make this image; says which step.
            PushFailed: the image is made, but the registry did not take it.
        """
        ...
