"""Another model in a finished image: pure.

The result is, byte for byte, what building that model with the same options would give, where the two
models import the same modules; of others, the bytecode stays that of the old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lading.engines.oci.assembly import (
    ENV_LABEL,
    OWN_LABEL,
    PARTS_LABEL,
    counted,
    own_env,
    own_names,
    own_text,
    standard,
)
from lading.engines.oci.parts import parts_of
from lading.oci.image import Image, Layer


@dataclass(frozen=True, slots=True)
class Told:
    """What an image says of its model."""

    labels: Mapping[str, str | None]
    """None: that is not known of this one."""

    env: Mapping[str, str]


def with_model(image: Image, name: str, model: Layer, told: Told) -> Image:
    """Return *image*, which errors call *name*, with *model* in place of its own.

    Args:
        image: one of Lading.
        name: of the image.
        model: the layer of the new model.
        told: of the new model.

    Raises:
        InvalidImage: it does not say which layers are the model's.
    """
    parts = parts_of(image, name)
    layers = replace(parts.layers, model=(model,))
    own = set(own_names(image.config.labels))
    replaced = own & told.labels.keys()
    kept = {label: text for label, text in image.config.labels.items() if label not in replaced}
    known = {label: text for label, text in told.labels.items() if text is not None}
    settled = {
        PARTS_LABEL: counted(len(parts.base), layers),
        ENV_LABEL: " ".join({**own_env(image.config), **told.env}),
        OWN_LABEL: own_text(own - told.labels.keys() | known.keys()),
    }
    env = {**image.config.env, **told.env}
    run = {"Env": [f"{name}={text}" for name, text in env.items()], "Labels": {**kept, **known, **settled}}
    config = image.config.running(run)
    annotations = {key: text for key, text in image.annotations.items() if key not in told.labels}
    changed = replace(image, config=config, annotations={**annotations, **standard(known)})
    return changed.with_layers((*parts.base, *layers.in_order()))
