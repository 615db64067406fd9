"""Which place has a base image: what its name begins with says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lading.engines.oci.bases.base import Base, Bases
from lading.environment import Platform, PythonMinor
from lading.labels import require_no_model


@dataclass(frozen=True, slots=True)
class ChosenBases:
    """All places, each opened when a name asks for it."""

    places: Mapping[str, Callable[[], Bases]]
    """By what names begin with."""

    otherwise: Callable[[], Bases]
    """For all other names: registries."""

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image called *name* (see `Bases.find`), which must not have a model already."""
        known = (place for prefix, place in self.places.items() if name.startswith(prefix))
        base = next(known, self.otherwise)().find(name, platform, python)
        require_no_model(name, base.image.config.labels)
        return base
