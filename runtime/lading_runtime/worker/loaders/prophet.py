"""Prophet models, loaded without MLflow.

The reference is ``mlflow.prophet._load_pyfunc`` and its ``_ProphetModelWrapper``.
"""

from __future__ import annotations

import importlib
import json

from lading_runtime.worker.loaders.flavour import data_of
from lading_runtime.worker.model import LoadedModel, ModelFolder


class ProphetLoader:
    """Loads Prophet's own JSON."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        # The file is JSON of a text that is JSON itself.
        text = json.loads(data_of(model).read_text(encoding="utf-8"))
        forecaster = importlib.import_module("prophet.serialize").model_from_json(text)
        return LoadedModel("prophet", lambda data, _params: forecaster.predict(data))
