"""spaCy's text categorisers, loaded without MLflow.

The reference is ``mlflow.spacy._load_pyfunc`` and its ``_SpacyModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import data_of
from lading_runtime.worker.model import LoadedModel, ModelFolder
from lading_runtime.worker.refusal import Refusal


class SpacyLoader:
    """Loads a pipeline from its folder."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        pipeline = importlib.import_module("spacy").load(str(data_of(model)))
        pandas = importlib.import_module("pandas")
        return LoadedModel("spacy", lambda data, _params: categories(pandas, pipeline, data))


def categories(pandas: Any, pipeline: Any, data: Any) -> Any:
    """Return a frame with the categories of each text in the one column of *data*.

    Raises:
        Refusal: *data* has another number of columns.
    """
    if len(data.columns) != 1:
        raise Refusal("Shape of input dataframe must be (n_rows, 1column)")
    return pandas.DataFrame({"predictions": data.iloc[:, 0].apply(lambda text: pipeline(text).cats)})
