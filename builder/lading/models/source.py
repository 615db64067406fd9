"""What every place that models come from can do."""

from typing import Protocol

from lading.model import ResolvedModel
from lading.reference import ModelRef


class ModelSource(Protocol):
    """Follows references to model folders on this machine."""

    def fetch(self, ref: ModelRef) -> ResolvedModel:
        """Return the model that *ref* names, downloaded whole where it was elsewhere.

        Raises:
            ModelNotFound: there is no such run, model, version, alias or folder.
            TrackingServerError: the server or store cannot be reached, refuses, or answers nonsense.
        """
        ...
