"""LightGBM models, loaded without MLflow.

The reference is ``mlflow.lightgbm._load_pyfunc`` and its ``_LGBModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import flavour_of, part_of
from lading_runtime.worker.loaders.named_arrays import array_predictor
from lading_runtime.worker.loaders.serialized import read_serialized
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params

BOOSTER = "lightgbm.basic.Booster"


class LightgbmLoader:
    """Loads boosters, and estimators in each of the formats of scikit-learn's flavour."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: the file is of an unknown format, or holds types that nobody trusted.
        """
        estimator = read_estimator(model)
        names = estimator.feature_name() if isinstance(estimator, booster_class()) else None

        def predict(data: Any, _params: Params) -> Any:
            return estimator.predict(data)

        of_tables = array_predictor(predict, estimator.predict, names, are_compared=False)
        return LoadedModel("lightgbm", predict, of_arrays=of_tables)


def booster_class() -> Any:
    """Return the class of LightGBM's own models, which look at nothing but numbers."""
    return importlib.import_module("lightgbm").Booster


def read_estimator(model: ModelFolder) -> Any:
    """Return what the model's file holds."""
    flavour = flavour_of(model, "lightgbm")
    file = part_of(model, flavour.get("data"))
    # Models of MLflow before 1.23 are boosters and name no class.
    if flavour.get("model_class", BOOSTER) == BOOSTER:
        return booster_class()(model_file=str(file))
    # Estimators of MLflow before 3.10 name no format.
    serialization = flavour.get("serialization_format", "cloudpickle")
    return read_serialized(file, serialization, flavour.get("skops_trusted_types"))
