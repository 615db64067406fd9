"""Images without a container engine: what a daemon would run is written as layers instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lading.engines.oci.assembly import Layers, assemble
from lading.engines.oci.bases.base import Base, Bases
from lading.engines.oci.environment import heavy_room
from lading.engines.oci.outputs.delivery import deliver
from lading.engines.oci.outputs.output import Output
from lading.image import BuiltImage
from lading.layer import EnvironmentLayer, FolderLayer
from lading.oci.image import Image, Index, Layer
from lading.plan import ImageNames, ImagePlan
from lading.progress import Progress


class EnvironmentLayers(Protocol):
    """Makes layers of wheels."""

    def layers(self, layer: EnvironmentLayer, python: str, max_heavy: int) -> tuple[Layer, ...]:
        """Return the layers of an environment whose interpreter is *python* in the image.

        At most *max_heavy* wheels have layers of their own; Lading's code has the last one.
        """
        ...


class BytecodeLayers(Protocol):
    """Compiles what wheels hold."""

    def layers(self, plan: ImagePlan, base: Base) -> tuple[Layer, ...]:
        """Return layers that save the image's interpreters from compiling what they import."""
        ...


@dataclass(frozen=True, slots=True)
class OciEngine:
    """Writes images, each layer only when a place that takes the image has not got it."""

    bases: Bases
    environments: EnvironmentLayers
    bytecode: BytecodeLayers
    model: Callable[[FolderLayer], Layer]
    """Makes the layer of the model's folder."""

    outputs: tuple[Output, ...]
    progress: Progress

    def build(self, plans: tuple[ImagePlan, ...], names: ImageNames) -> BuiltImage:
        """Return the image that *plans* describe, under all of *names* (see `Engine.build`)."""
        images = tuple(map(self.make, plans))
        made = images[0] if len(images) == 1 else Index(images)
        return deliver(made, names.names, self.outputs, self.progress)

    def make(self, plan: ImagePlan) -> Image:
        """Return the image of one plan; nothing is sent anywhere.

        Raises:
            LadingError: the base, a wheel or the model cannot become part of it; says which.
        """
        with self.progress.step("base image"):
            base = self.bases.find(plan.base, plan.platform, plan.python)
        room = heavy_room(len(base.image.layers))
        with self.progress.step("server layer"):
            *server, runtime = self.environments.layers(plan.server, base.python, room)
        with self.progress.step("environment layer"):
            environment = self.environments.layers(plan.environment, base.python, room)
        with self.progress.step("bytecode layer"):
            bytecode = self.bytecode.layers(plan, base)
        with self.progress.step("model layer"):
            model = self.model(plan.model)
        return assemble(plan, base, Layers(tuple(server), environment, (runtime,), bytecode, (model,)))
