"""Another model in a finished image: pure.

The result is, byte for byte, what building that model with the same options would give, where the two
models import the same modules; of others, the bytecode stays that of the old one.
"""

from collections.abc import Mapping
from dataclasses import replace

from lading.engines.oci.assembly import OWN_LABEL, PARTS_LABEL, counted, own_names, own_text, standard
from lading.engines.oci.parts import parts_of
from lading.oci.image import Image, Layer


def with_model(image: Image, name: str, model: Layer, labels: Mapping[str, str | None]) -> Image:
    """Return *image*, which errors call *name*, with *model* in place of its own.

    Args:
        image: one of Lading.
        name: of the image.
        model: the layer of the new model.
        labels: what tells of a model; None where that is not known of the new one.

    Raises:
        InvalidImage: it does not say which layers are the model's.
    """
    parts = parts_of(image, name)
    layers = replace(parts.layers, model=(model,))
    own = set(own_names(image.config.labels))
    kept = {label: text for label, text in image.config.labels.items() if label not in own & labels.keys()}
    known = {label: text for label, text in labels.items() if text is not None}
    told = {
        PARTS_LABEL: counted(len(parts.base), layers),
        OWN_LABEL: own_text(own - labels.keys() | known.keys()),
    }
    config = image.config.running({"Labels": {**kept, **known, **told}})
    annotations = {key: text for key, text in image.annotations.items() if key not in labels}
    changed = replace(image, config=config, annotations={**annotations, **standard(known)})
    return changed.with_layers((*parts.base, *layers.in_order()))
