"""What every loader is."""

from __future__ import annotations

from typing import Protocol

from lading_runtime.worker.model import LoadedModel, ModelFolder


class Loader(Protocol):
    """Turns a model folder into something that predicts."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: it cannot be loaded here.
        """
        ...
