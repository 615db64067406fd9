"""A plan's settings on a base image's, and the layers in their order: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lading.engines.oci.bases.base import Base
from lading.errors import BuildFailed
from lading.oci.config import CREATED
from lading.oci.image import MAX_LAYERS, Image, Layer
from lading.plan import ImagePlan

PARTS_LABEL = "ai.lading.layers"
"""Says how many layers each part of the image has, from the lowest, such as ``base=1 server=2 …``.

``lading swap-model`` and ``lading rebase`` find by it what they put something else in place of.
"""

ENV_LABEL = "ai.lading.env"
"""Names the variables that do not come from the base."""

_SECOND = 1_000_000_000
"""Docker's durations are whole nanoseconds (``container.HealthConfig``)."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What is put on a base, grouped by what makes it change."""

    server: tuple[Layer, ...]
    """The server's environment, without Lading's own code."""

    environment: tuple[Layer, ...]
    """The model's environment."""

    runtime: tuple[Layer, ...]
    """Lading's own code."""

    bytecode: tuple[Layer, ...]
    model: tuple[Layer, ...]

    def in_order(self) -> tuple[Layer, ...]:
        """Return all of them; what many images share, and what changes least, is lowest."""
        return tuple(layer for part in self.parts().values() for layer in part)

    def parts(self) -> dict[str, tuple[Layer, ...]]:
        """Return them by the name of their part, lowest first."""
        names = ("server", "environment", "runtime", "bytecode", "model")
        return {name: getattr(self, name) for name in names}


def assemble(plan: ImagePlan, base: Base, layers: Layers) -> Image:
    """Return the image that *plan* describes.

    Raises:
        BuildFailed: it has more layers than engines can mount.
    """
    stack = base.image.layers + layers.in_order()
    if len(stack) > MAX_LAYERS:
        raise BuildFailed(
            f"the image would have {len(stack)} layers, {len(base.image.layers)} of them of {base.name!r};"
            f" engines mount {MAX_LAYERS}",
            hint="take a base image with fewer layers",
        )
    counts = {"base": len(base.image.layers)} | {name: len(part) for name, part in layers.parts().items()}
    own = {
        PARTS_LABEL: " ".join(f"{name}={count}" for name, count in counts.items()),
        ENV_LABEL: " ".join(plan.env),
    }
    config = base.image.config.running(_settings(plan, base, own))
    annotations = {"org.opencontainers.image.created": CREATED, **_annotations(plan, base)}
    return Image(config, base.image.layers, annotations).with_layers(stack)


def _settings(plan: ImagePlan, base: Base, labels: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what the templates of the docker engine write as instructions."""
    env = base.image.config.env | dict(plan.env)
    return {
        "Cmd": [],
        "Entrypoint": list(plan.entrypoint),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "ExposedPorts": {**base.image.config.run.get("ExposedPorts", {}), f"{plan.port}/tcp": {}},
        "Healthcheck": {
            "Test": ["CMD", *plan.health_check],
            "Interval": 10 * _SECOND,
            "Timeout": 5 * _SECOND,
            "StartPeriod": 60 * _SECOND,
        },
        "Labels": {**base.image.config.labels, **plan.labels, **_base_digest(base), **labels},
        "StopSignal": "SIGTERM",
        "User": plan.user,
        "WorkingDir": "/opt",
    }


def _annotations(plan: ImagePlan, base: Base) -> dict[str, str]:
    """Return what the manifest says, so that nobody need read the configuration for it."""
    standard = {name: text for name, text in plan.labels.items() if name.startswith("org.opencontainers.")}
    return standard | _base_digest(base)


def _base_digest(base: Base) -> dict[str, str]:
    return {"org.opencontainers.image.base.digest": str(base.digest)} if base.digest else {}
