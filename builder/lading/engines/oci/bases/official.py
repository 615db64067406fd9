"""The official image of a Python that no suite of Debian has: what a base is when nobody named one."""

from dataclasses import dataclass

from lading.engines.oci.bases.base import Base, Bases
from lading.engines.oci.bases.names import ways_out
from lading.environment import Platform, PythonMinor
from lading.errors import RegistryError

_SUITE = "bookworm"
"""Of the official image (see `lading.plan.official_base`), so another Python finds the same libraries."""


@dataclass(frozen=True, slots=True)
class OfficialBases:
    """Images of a registry that the user has not asked for, and may not reach."""

    bases: Bases

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image called *name* (see `Bases.find`).

        Raises:
            RegistryError: it cannot be had; says what else there is.
        """
        try:
            return self.bases.find(name, platform, python)
        except RegistryError as error:
            raise RegistryError(
                f"Debian has no Python {python}, and {name} cannot be had: {error.message}",
                hint=ways_out(python, _SUITE),
            ) from error
