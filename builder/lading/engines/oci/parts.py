"""Which layers of a finished image are whose, by what its labels say: pure."""

import re
from dataclasses import dataclass

from lading.engines.oci.assembly import PARTS_LABEL, Layers
from lading.errors import InvalidImage
from lading.labels import LOCK_LABEL, VERSION_LABEL
from lading.oci.image import Image, Layer

_COUNTS = re.compile(r"base=(\d+) server=(\d+) environment=(\d+) runtime=(\d+) bytecode=(\d+) model=(\d+)")
_PACKAGES = re.compile(r"lading: (?P<packages>[^/]+) in (?P<target>/\S+)")
"""What the history says of a layer of wheels: ``lading: numpy 2.3.1, six 1.17.0 in /opt/env``."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The layers of an image by what makes them change."""

    base: tuple[Layer, ...]
    layers: Layers


def parts_of(image: Image, name: str) -> Parts:
    """Return the parts of *image*, which errors call *name*.

    Raises:
        InvalidImage: it is not Lading's, or it does not say which layers are which.
    """
    text = image.config.labels.get(PARTS_LABEL)
    if text is None:
        raise _unknown(image, name)
    match = _COUNTS.fullmatch(text)
    counts = [int(count) for count in match.groups()] if match else []
    if sum(counts) != len(image.layers) or not counts:
        raise InvalidImage(
            f"{name} has {len(image.layers)} layers, of which its label {PARTS_LABEL}={text!r} does not tell",
            hint="it was changed after it was built; build it anew",
        )
    left = iter(image.layers)
    base, *others = (tuple(next(left) for _ in range(count)) for count in counts)
    return Parts(base, Layers(*others))


def packages_of(parts: Parts) -> dict[str, str]:
    """Return the versions of the packages that pip installs in the model's environment, by name."""
    found = (_PACKAGES.fullmatch(layer.created_by) for layer in parts.layers.environment)
    lists = (match["packages"].split(", ") for match in found if match)
    words = (text.split(" ") for texts in lists for text in texts)
    return {pair[0]: pair[1] for pair in words if len(pair) == len(("name", "version"))}


def _unknown(image: Image, name: str) -> InvalidImage:
    labels = image.config.labels
    if LOCK_LABEL in labels or VERSION_LABEL in labels:
        return InvalidImage(
            f"{name} was built by a container engine, which does not say whose each layer is",
            hint="build it once with --engine oci; from then on its parts can be exchanged",
        )
    return InvalidImage(f"{name} is no image of Lading", hint="build-image makes one")
