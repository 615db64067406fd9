"""Finished images that commands change: found where they are, and brought back to there."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lading.cli.engine_choice import Wishes, parse_outputs
from lading.cli.oci_engine import Connections
from lading.cli.output_option import OutputOption, OutputType
from lading.cli.steps import Workshop
from lading.engines.oci.bases.place import split_place
from lading.engines.oci.outputs.delivery import deliver
from lading.errors import BuildFailed, InvalidImage, InvalidOption
from lading.image import BuiltImage
from lading.live import LiveImage
from lading.oci.archive_reading import ArchiveFile
from lading.oci.image import Image, Index
from lading.oci.layout import Layout
from lading.plan import ImageNames
from lading.reference import ImageRef

_LAYOUT, _ARCHIVE = "oci:", "oci-archive:"


@dataclass(frozen=True, slots=True)
class Found:
    """An image where it was found."""

    live: LiveImage

    name: ImageRef | None
    """Its own, under which a changed one takes its place; None where it has none that can be given again."""

    place: OutputOption

    def names(self, texts: Sequence[str]) -> ImageNames:
        """Return the names that the user gave, or its own.

        Raises:
            InvalidOption: it has none.
        """
        if texts:
            return ImageNames.parse(texts, is_pushed=True)
        if self.name is None:
            raise InvalidOption(
                f"{self.live.name} has no name that the changed image could take", hint="give it one with -n"
            )
        return ImageNames((self.name,), is_pushed=True)


def connect(tools: Workshop, insecure_registries: Sequence[str], stack: ExitStack) -> Connections:
    """Return what opens registries and engines when something needs them."""
    wishes = Wishes(
        base=None,
        platforms=(),
        outputs=(),
        default_output=OutputOption(OutputType.REGISTRY),
        is_pushed=True,
        is_fresh=True,
        is_offline=False,
        bytecode=None,
        insecure_registries=tuple(insecure_registries),
    )
    return Connections(tools, wishes, stack)


def find_image(text: str, connections: Connections) -> Found:
    """Return the image called *text*, for all its platforms: in a registry, a layout or an archive.

    Raises:
        InvalidImage: there is none, or it is none.
        LadingError: the place cannot be reached.
    """
    if not text.startswith((_LAYOUT, _ARCHIVE)):
        ref = ImageRef.parse(text)
        return Found(LiveImage(text, _pulled(ref, connections)), None if ref.digest else ref, _REGISTRY)
    is_layout = text.startswith(_LAYOUT)
    try:
        path, wanted = split_place(text.removeprefix(_ARCHIVE).removeprefix(_LAYOUT))
        found = (Layout(path) if is_layout else ArchiveFile.open(path)).find_for_all(wanted)
    except BuildFailed as error:  # words for base images
        message = error.message.replace("base image", "image")
        raise InvalidImage(f"{text}: {message}", hint=error.hint) from error
    name = ImageRef.parse(found.name) if found.name else None
    return Found(LiveImage(text, found.made), name, _place(path, is_layout=is_layout))


def bring(
    made: Image | Index, found: Found, texts: Sequence[str], places: Sequence[str], connections: Connections
) -> BuiltImage:
    """Bring a changed image to *places* under the names *texts*, or back to where it was found.

    Raises:
        LadingError: a place does not take it; its names stand for what they did before.
    """
    outputs = map(connections.output, parse_outputs(places) or (found.place,))
    return deliver(made, found.names(texts).names, outputs, connections.tools.progress)


_REGISTRY = OutputOption(OutputType.REGISTRY)


def _place(path: Path, *, is_layout: bool) -> OutputOption:
    return OutputOption(OutputType.LAYOUT if is_layout else OutputType.ARCHIVE, path)


def _pulled(ref: ImageRef, connections: Connections) -> Image | Index:
    made: Image | Index = import_module("lading.oci.registry.pull").read_every_image(
        connections.registries.source(ref), str(ref), ref.digest or ref.tag
    )
    return made
