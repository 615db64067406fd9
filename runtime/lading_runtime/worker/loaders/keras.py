"""Keras 3 models, loaded without MLflow: Keras's own files and exported ones.

The reference is ``mlflow.keras.load._load_pyfunc`` and its ``KerasModelWrapper``. MLflow before 2.0 had a
flavour of the same name; its models are what ``mlflow.tensorflow`` still reads.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Callable

from lading_runtime.worker.loaders.flavour import flavour_of
from lading_runtime.worker.loaders.tensorflow import TensorflowLoader, silent
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params
from lading_runtime.worker.refusal import Refusal


class KerasLoader:
    """Loads a model for the backend that it was saved with."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        flavour = flavour_of(model, "keras")
        if "save_exported_model" not in flavour:
            return TensorflowLoader().load(model)
        if flavour.get("keras_backend"):
            # Keras takes the backend when it is imported; MLflow leaves it at TensorFlow, installed or not.
            os.environ.setdefault("KERAS_BACKEND", flavour["keras_backend"])
        keras = importlib.import_module("keras")
        call = read_model(keras, file_of(model), is_exported=bool(flavour.get("save_exported_model")))
        pandas, numpy = importlib.import_module("pandas"), importlib.import_module("numpy")

        def predict(data: Any, _params: Params = None) -> Any:
            if isinstance(data, pandas.DataFrame):
                return pandas.DataFrame(call(data.values), index=data.index)
            if not isinstance(data, (numpy.ndarray, list, tuple, dict)):
                raise Refusal("`data` must be an array, a list, a tuple or a dict", "INVALID_PARAMETER_VALUE")
            return keras.ops.convert_to_numpy(call(data))

        return LoadedModel("keras", predict)


def file_of(model: ModelFolder) -> Path:
    """Return where the model is, without the ending of Keras's own files."""
    data = model.path / str(flavour_of(model, "keras").get("data", "model"))
    return data / "model" if data.is_dir() else data


def read_model(keras: Any, file: Path, *, is_exported: bool) -> Callable[[Any], Any]:
    """Return how the model in *file* predicts."""
    if is_exported:
        exported = importlib.import_module("tensorflow").saved_model.load(str(file))
        # Its methods hold their variables only weakly, so the closure holds the model.
        return lambda data: exported.serve(data)  # noqa: PLW0108 - as said above
    return silent(keras.saving.load_model(f"{file}.keras", custom_objects=None).predict)
