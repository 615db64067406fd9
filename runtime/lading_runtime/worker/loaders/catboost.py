"""CatBoost models, loaded without MLflow.

The reference is ``mlflow.catboost._load_pyfunc`` and its ``_CatboostModelWrapper``.
"""

from __future__ import annotations

import importlib

from lading_runtime.worker.loaders.flavour import data_of, flavour_of
from lading_runtime.worker.model import LoadedModel, ModelFolder, Unloadable

MODEL_TYPES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
"""What ``model_type`` may say."""


class CatboostLoader:
    """Loads models of each class in each of the formats that CatBoost reads."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: its class is none of CatBoost's.
        """
        flavour = flavour_of(model, "catboost")
        kind = flavour.get("model_type")
        if kind not in MODEL_TYPES:
            raise Unloadable(f"the model's model_type is {kind!r}, expected one of {', '.join(MODEL_TYPES)}")
        estimator = getattr(importlib.import_module("catboost"), kind)()
        estimator.load_model(str(data_of(model)), flavour.get("save_format"))
        return LoadedModel("catboost", lambda data, _params: estimator.predict(data))
