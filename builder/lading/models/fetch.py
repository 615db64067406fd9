"""From a reference to a folder on this machine."""

from importlib import import_module
from pathlib import Path

from lading.model import ResolvedModel
from lading.models.local import local_model
from lading.models.tracking import TrackingSettings
from lading.progress import Progress
from lading.reference import LocalModel, ModelRef


def fetch(ref: ModelRef, *, into: Path, settings: TrackingSettings, progress: Progress) -> ResolvedModel:
    """Return the model that *ref* names, downloaded whole where it was elsewhere.

    A model whose folder is on this machine is used there. After an error nothing is left in *into*.

    Args:
        ref: what to follow.
        into: where downloads go; the caller's, and so is what is put there.
        settings: which stores to ask, and how.
        progress: is told of each file.

    Raises:
        ModelNotFound: there is no such run, model, version, alias or folder; says what there is.
        InvalidModel: there is something, and it is no model.
        TrackingServerError: a store or storage cannot be reached, refuses, or answers nonsense.
    """
    if isinstance(ref, LocalModel):
        return local_model(ref, settings.folder)
    # What speaks HTTP and to clouds takes a tenth of a second to import.
    model: ResolvedModel = import_module("lading.models.distant").fetch(ref, into, settings, progress)
    return model
