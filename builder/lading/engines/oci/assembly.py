"""A plan's settings on a base image's, and the layers in their order: pure."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lading.engines.oci.bases.base import Base
from lading.errors import BuildFailed, InvalidImage
from lading.oci.config import CREATED, Config
from lading.oci.image import MAX_LAYERS, Image, Layer
from lading.plan import ImagePlan

PARTS_LABEL = "ai.lading.layers"
"""Says how many layers each part of the image has, from the lowest, such as ``base=1 server=2 …``.

``lading swap-model`` and ``lading rebase`` find by it what they put something else in place of.
"""

ENV_LABEL = "ai.lading.env"
"""Names the variables that do not come from the base."""

OWN_LABEL = "ai.lading.labels"
"""Names the labels that do not come from the base, as words of a shell: labels may have spaces."""

BASE_DIGEST_LABEL = "org.opencontainers.image.base.digest"

T = TypeVar("T")

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
    stack = stacked(base, layers)
    own = {
        PARTS_LABEL: counted(len(base.image.layers), layers),
        ENV_LABEL: " ".join(plan.env),
        OWN_LABEL: own_text(plan.labels),
    }
    config = base.image.config.running(_settings(plan, base, own))
    annotations = {"org.opencontainers.image.created": CREATED, **_annotations(plan, base)}
    return Image(config, base.image.layers, annotations).with_layers(stack)


def stacked(base: Base, layers: Layers) -> tuple[Layer, ...]:
    """Return *layers* on those of *base*.

    Raises:
        BuildFailed: these are more than engines can mount.
    """
    stack = base.image.layers + layers.in_order()
    if len(stack) > MAX_LAYERS:
        raise BuildFailed(
            f"the image would have {len(stack)} layers, {len(base.image.layers)} of them of {base.name!r};"
            f" engines mount {MAX_LAYERS}",
            hint="take a base image with fewer layers",
        )
    return stack


def counted(base: int, layers: Layers) -> str:
    """Return what `PARTS_LABEL` says where *layers* are on that many of a base."""
    counts = {"base": base} | {name: len(part) for name, part in layers.parts().items()}
    return " ".join(f"{name}={count}" for name, count in counts.items())


def own_text(labels: Iterable[str]) -> str:
    """Return what `OWN_LABEL` says where these labels are ours."""
    return shlex.join(sorted(labels))


def own_names(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of an image's *labels* are ours, beside those that every image has.

    Raises:
        InvalidImage: nobody can tell.
    """
    try:
        return tuple(shlex.split(labels[OWN_LABEL]))
    except (KeyError, ValueError) as error:
        raise _unreadable(OWN_LABEL) from error


def own_env(config: Config) -> dict[str, str]:
    """Return the variables of an image that do not come from its base.

    Raises:
        InvalidImage: nobody can tell.
    """
    names = config.labels.get(ENV_LABEL)
    if names is None:
        raise _unreadable(ENV_LABEL)
    return {name: config.env[name] for name in names.split() if name in config.env}


def _unreadable(label: str) -> InvalidImage:
    return InvalidImage(
        f"the image's label {label} is missing or cannot be read", hint="build the image anew"
    )


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
        "Labels": {**base.image.config.labels, **plan.labels, **base_digest(base), **labels},
        "StopSignal": "SIGTERM",
        "User": plan.user,
        "WorkingDir": "/opt",
    }


def _annotations(plan: ImagePlan, base: Base) -> dict[str, str]:
    """Return what the manifest says, so that nobody need read the configuration for it."""
    return standard(plan.labels) | base_digest(base)


def standard(labels: Mapping[str, T]) -> dict[str, T]:
    """Return those of *labels* that are annotations as well (``annotations.md``)."""
    return {name: text for name, text in labels.items() if name.startswith("org.opencontainers.")}


def base_digest(base: Base) -> dict[str, str]:
    """Return the label, and annotation, that says which bytes the base's name stood for."""
    return {BASE_DIGEST_LABEL: str(base.digest)} if base.digest else {}
