"""Images in the store of Docker, or of anything that speaks its API (Podman's socket, for one).

Names are given when an image is complete, so an interrupted or failed build leaves the old one in place.
"""

from dataclasses import dataclass
from typing import Protocol

from docker import DockerClient

from lading.engines.answers import engine_errors
from lading.engines.base_image import BaseImages
from lading.engines.inspection import describe
from lading.engines.push import push
from lading.errors import InvalidOption
from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan
from lading.progress import Progress
from lading.store import Store


class ImageBuilder(Protocol):
    """Has an engine make an image."""

    def build(self, plan: ImagePlan, base: str) -> str:
        """Return the id of the image that *plan* describes on the image with id *base*.

        Raises:
            BuildFailed: a step fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """An engine that is reached through its API."""

    client: DockerClient
    store: Store
    """Keeps what was found out about base images."""

    builder: ImageBuilder
    progress: Progress

    def build(self, plans: tuple[ImagePlan, ...], names: ImageNames) -> BuiltImage:
        """Return the image that *plans* describe, under all of *names* (see `Engine.build`)."""
        if len(plans) != 1:
            raise InvalidOption(
                "this container engine keeps an image for one platform at a time",
                hint="add --engine oci, which writes images for several",
            )
        (plan,) = plans
        with engine_errors():
            with self.progress.step("base image"):
                base = BaseImages(self.client, self.store, self.progress).require(plan)
            image = self.builder.build(plan, base)
            for name in names.names:
                self.client.api.tag(image, name.repository, name.tag)
            if names.is_pushed:
                with self.progress.step("push"):
                    push(self.client, names.names, self.progress)
            return describe(self.client, image, names.names)
