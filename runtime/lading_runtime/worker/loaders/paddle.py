"""PaddlePaddle models, loaded without MLflow.

The reference is ``mlflow.paddle._load_pyfunc`` and its ``_PaddleWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import flavour_of
from lading_runtime.worker.loaders.serialized import refuse_if_forbidden
from lading_runtime.worker.model import LoadedModel, ModelFolder


class PaddleLoader:
    """Loads what ``paddle.jit`` saved."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: reading pickles is forbidden.
        """
        refuse_if_forbidden()
        paddle = importlib.import_module("paddle")
        # The name is what several files begin with, so no file has it.
        network = paddle.jit.load(str(model.path / flavour_of(model, "paddle")["pickled_model"]))
        numpy, pandas = importlib.import_module("numpy"), importlib.import_module("pandas")
        network.eval()

        def predict(data: Any, _params: Any = None) -> Any:
            values = numpy.squeeze(values_of(numpy, pandas, data))
            return pandas.DataFrame(network(paddle.to_tensor(values)).numpy())

        return LoadedModel("paddle", predict)


def values_of(numpy: Any, pandas: Any, data: Any) -> Any:
    """Return *data* as an array.

    Raises:
        TypeError: it is neither frame nor array.
    """
    if isinstance(data, pandas.DataFrame):
        return data.values.astype(numpy.float32)
    if not isinstance(data, numpy.ndarray):
        raise TypeError("Input data should be pandas.DataFrame or numpy.ndarray")
    return data
