"""Images into the store of Docker, or of anything that speaks its API: ``-o type=docker``.

The engine is sent only the layers that no image of it has. When it does not find one after all, or its
kind does not take part of an image, it is sent everything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from docker import DockerClient
from docker.errors import ImageNotFound

from lading.engines.answers import engine_errors
from lading.engines.events import StreamFailed, follow
from lading.engines.inspection import describe
from lading.environment import Platform
from lading.errors import OutputFailed
from lading.image import BuiltImage
from lading.oci.archive import archive_chunks
from lading.oci.contents import images
from lading.oci.docker_load import load_chunks
from lading.oci.image import Image, Index
from lading.progress import Progress, Silent
from lading.reference import ImageRef


class Kind(Enum):
    """How an engine keeps images, which decides what it can be sent."""

    LAYERS = "Docker's own store: layers by chain id, which need not be sent twice"
    BLOBS = "Docker's containerd store: blobs by digest, as registries have them"
    WHOLE = "Podman: takes whole images only"


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """An engine that answers."""

    title: ClassVar[str] = "load into the engine"
    is_by_digest: ClassVar[bool] = False

    client: DockerClient
    progress: Progress

    def write(self, made: Image | Index, names: tuple[ImageRef, ...]) -> None:
        """Load *made* into the engine; of an index, the image for the engine's platform.

        Raises:
            EngineUnavailable: it stopped answering.
            OutputFailed: it refuses, or has another platform than all of *made*.
            LadingError: a layer cannot be read.
        """
        with engine_errors(OutputFailed, "is its disk full? look into its log, then build again"):
            image = self._choose(made)
            found = self._find(image) or self._load(image, names)
            for name in names:
                self.client.api.tag(found, name.repository, name.tag)

    def describe(self, made: Image | Index, names: tuple[ImageRef, ...]) -> BuiltImage:
        """Return what the engine says of *made*, which was written.

        Raises:
            EngineUnavailable: it stopped answering.
            OutputFailed: it has no such image.
        """
        with engine_errors(OutputFailed, "is its disk full? look into its log, then build again"):
            image = self._choose(made)
            found = self._find(image)
            if found is None:
                raise OutputFailed(f"the container engine has no image {image.id}", hint="build it again")
            return describe(self.client, found, names)

    def _choose(self, made: Image | Index) -> Image:
        if isinstance(made, Image):
            return made
        version = self.client.version()
        platform = Platform(version["Os"], version["Arch"])
        fitting = (image for image in made.images if image.config.platform == platform)
        if (image := next(fitting, None)) is not None:
            return image
        has = ", ".join(str(image.config.platform) for image in images(made))
        raise OutputFailed(
            f"the container engine runs {platform}, the image is for {has}",
            hint="write it to a layout or a registry, which keep several platforms",
        )

    def _find(self, image: Image) -> str | None:
        """Return the name that the engine has for *image*: its configuration's digest, or its manifest's."""
        for digest in (image.id, image.descriptor.digest):
            try:
                return str(self.client.images.get(str(digest)).id)
            except ImageNotFound:
                continue
        return None

    def _load(self, image: Image, names: Sequence[ImageRef]) -> str:
        """Return the engine's name for *image*, which it has from now on."""
        match self._kind():
            case Kind.LAYERS:
                self._send_missing(image, names)
            case Kind.BLOBS:  # the manifest's digest stays the same as in a registry
                self._send(archive_chunks(image, names, self.progress))
            case Kind.WHOLE:  # Podman would take iris:1 for localhost/iris:1, unlike as the name of a tag
                self._send(load_chunks(image, (), 0, self.progress))
        found = self._find(image)
        if found is None:
            raise OutputFailed(
                f"the container engine took the image {image.id} but does not have it",
                hint="is another program removing images?",
            )
        return found

    def _send_missing(self, image: Image, names: Sequence[ImageRef]) -> None:
        known = self._known_layers(image, names)
        try:
            self._send(load_chunks(image, names, known, self.progress))
        except StreamFailed:
            if not known:
                raise
            # Another program may just have removed the image that had the layers.
            self._send(load_chunks(image, names, 0, self.progress))

    def _send(self, chunks: Iterator[bytes]) -> None:
        events = self.client.api.load_image(chunks)  # type: ignore[no-untyped-call]  # types-docker lacks it
        for _ in follow(events, Silent()):
            pass  # it tells of names and layers; what is sent is told already

    def _kind(self) -> Kind:
        components = self.client.version().get("Components") or ()
        if any("podman" in str(component.get("Name")).lower() for component in components):
            return Kind.WHOLE
        status = self.client.info().get("DriverStatus") or ()
        is_containerd = any("io.containerd.snapshotter" in str(pair) for pair in status)
        return Kind.BLOBS if is_containerd else Kind.LAYERS

    def _known_layers(self, image: Image, names: Sequence[ImageRef]) -> int:
        """Return how many of the lowest layers some image of the engine has."""
        wanted = [str(diff_id) for diff_id in image.config.diff_ids]
        most = 0
        for candidate in self._candidates(names):
            try:
                has = self.client.images.get(candidate).attrs["RootFS"].get("Layers") or ()
            except ImageNotFound:
                continue
            most = max(most, _shared(wanted, has))
            if most >= len(wanted) - 1:  # the next image will hardly have the model's layer
                break
        return most

    def _candidates(self, names: Sequence[ImageRef]) -> Iterator[str]:
        """Yield images that may share layers, the likeliest first."""
        yield from map(str, names)
        listed: list[dict[str, Any]] = self.client.api.images()
        yield from (str(each["Id"]) for each in listed)


def _shared(wanted: Sequence[str], has: Sequence[str]) -> int:
    """Return how many of the first layers are the same."""
    pairs = zip(wanted, has, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(wanted), len(has)))
