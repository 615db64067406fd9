"""statsmodels models, loaded without MLflow.

The reference is ``mlflow.statsmodels._load_pyfunc`` and its ``_StatsmodelsModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import data_of
from lading_runtime.worker.loaders.serialized import refuse_if_forbidden
from lading_runtime.worker.model import LoadedModel, ModelFolder
from lading_runtime.worker.refusal import Refusal


class StatsmodelsLoader:
    """Loads the pickled results of a fit."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: reading pickles is forbidden.
        """
        refuse_if_forbidden()
        results = importlib.import_module("statsmodels.iolib.api").load_pickle(str(data_of(model)))
        time_series = importlib.import_module("statsmodels.tsa.base.tsa_model").TimeSeriesModel
        if isinstance(results.model, time_series):
            return LoadedModel("statsmodels", lambda data, _params: forecast(results, data))
        return LoadedModel("statsmodels", lambda data, _params: results.predict(data))


def forecast(results: Any, data: Any) -> Any:
    """Return what a time series model predicts from the start to the end that the one row of *data* names.

    Raises:
        Refusal: *data* is something else.
    """
    if data.shape[0] != 1 or not ("start" in data.columns and "end" in data.columns):
        raise Refusal(
            "prediction dataframes for a TimeSeriesModel must have exactly one row"
            " and include columns called start and end"
        )
    return results.predict(start=data["start"][0], end=data["end"][0])
