"""Base images of an engine that were saved before: only what their names stand for is asked."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lading.engines.oci.bases.base import Base, Bases
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.names import ENGINE
from lading.engines.oci.bases.saved import SavedImages
from lading.engines.sockets import inspect_image
from lading.environment import Platform, PythonMinor


@dataclass(frozen=True, slots=True)
class KnownEngineBases:
    """Images in an engine of this machine; all that is not simple is left to others."""

    saved: SavedImages

    otherwise: Callable[[], Bases]
    """Asks the engine through docker-py."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image of ``docker-daemon:NAME`` (see `Bases.find`)."""
        facts = inspect_image(name.removeprefix(ENGINE), self.environ) or {}
        is_fitting = (facts.get("Os"), facts.get("Architecture")) == (platform.os, platform.architecture)
        image = self.saved.find(str(facts.get("Id")), platform) if is_fitting else None
        if image is None:
            return self.otherwise().find(name, platform, python)
        return Base(name, image, known_python(image, python, name, self.saved.store), digest=None)
