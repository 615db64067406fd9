"""Which interpreter the environments of a finished image stand on, and links to another one.

An environment's links have a small layer of their own. It is found by what the history says of it, and
known for what it is by its digest: the same links, written again, must be the same bytes.
"""

import re
from dataclasses import dataclass

from lading.engines.oci.environment import links_layer
from lading.engines.oci.scheme import Scheme
from lading.environment import PythonMinor
from lading.errors import InvalidImage
from lading.oci.image import Layer

_LINKS = re.compile(
    r"lading: the virtual environment (?P<target>/\S+) of (?P<python>/\S*python(?P<minor>[\d.]+))"
)


@dataclass(frozen=True, slots=True)
class Links:
    """The layer that makes a folder of an image an environment."""

    layer: Layer
    scheme: Scheme

    python: str
    """The absolute path of the interpreter."""

    @property
    def minor(self) -> PythonMinor:
        """The interpreter's version."""
        return self.scheme.minor

    @property
    def is_ours(self) -> bool:
        """Whether this Lading writes the same links as the layer has."""
        return links_layer(self.scheme, self.python).diff_id == self.layer.diff_id


def links_in(layers: tuple[Layer, ...]) -> Links | None:
    """Return the links among the layers of an environment; None where conda brings its Python."""
    for layer in layers:
        if match := _LINKS.fullmatch(layer.created_by):
            scheme = Scheme(match["target"], PythonMinor.parse(match["minor"]))
            return Links(layer, scheme, match["python"])
    return None


def relinked(layers: tuple[Layer, ...], python: str, name: str) -> tuple[Layer, ...]:
    """Return the layers of an environment with links to the interpreter *python*.

    Args:
        layers: of an environment.
        python: the absolute path of an interpreter of the same minor version.
        name: of the image, for errors.

    Raises:
        InvalidImage: the old links are not what this Lading knows.
    """
    links = links_in(layers)
    if links is None or links.python == python:
        return layers
    if not links.is_ours:
        raise InvalidImage(
            f"{name} has its Python at {links.python}, the base at {python}; and its links there were "
            "made by another version of Lading",
            hint="build the image anew on this base",
        )
    other = links_layer(links.scheme, python)
    return tuple(other if layer is links.layer else layer for layer in layers)
