"""scikit-learn models, loaded without MLflow: the same file, the same call, the same answer.

The reference is ``mlflow.sklearn._load_pyfunc`` and its ``_SklearnModelWrapper``.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from lading_runtime.worker.formulas.steps import in_turn
from lading_runtime.worker.loaders.bare_arrays import array_acceptor, parts_of, without_names
from lading_runtime.worker.loaders.frame_questions import answer_for_arrays
from lading_runtime.worker.loaders.params import passing_params
from lading_runtime.worker.loaders.serialized import read_serialized
from lading_runtime.worker.model import ArrayPredictor, LoadedModel, ModelFolder, Predict, Unloadable

PREDICT_FUNCTIONS = ("predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "score")
"""What ``predict_fn`` may name."""


class SklearnLoader:
    """Loads skops, pickle and cloudpickle files."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: the file is of an unknown format, or holds types that nobody trusted.
        """
        estimator = read_estimator(model)
        answer_for_arrays()
        name = model.python_function.get("predict_fn", "predict")
        if name not in PREDICT_FUNCTIONS or not hasattr(estimator, name):
            raise Unloadable(f"the model's predict_fn is {name!r}, which {type(estimator).__name__} has not")
        accepts = array_acceptor(estimator) if name != "score" else None
        predict = predictor(estimator, name)
        if accepts is None:
            return LoadedModel("sklearn", predict)
        predict_array = of_arrays(estimator, name)
        of_tables = ArrayPredictor(accepts, predict_array)
        return LoadedModel("sklearn", by_kind(predict, predict_array), of_arrays=of_tables)


def predictor(estimator: Any, name: str) -> Predict:
    """Return the method *name* of *estimator* as a function of data and params."""
    if name != "predict":
        return passing_params(getattr(estimator, name))
    return lambda data, _params: estimator.predict(data)


def of_arrays(estimator: Any, name: str) -> Predict:
    """Return the method *name* of a plain *estimator* for arrays, whose names have been compared."""
    bare = without_names(estimator)
    predict = in_turn(bare, list(parts_of(bare)), name)
    return lambda data, _params: predict(data)


def by_kind(frames: Predict, arrays: Predict) -> Predict:
    """Return a function of data and params that leaves bare arrays to *arrays*, and all else to *frames*."""
    ndarray = importlib.import_module("numpy").ndarray
    return lambda data, params: (arrays if type(data) is ndarray else frames)(data, params)


def read_estimator(model: ModelFolder) -> Any:
    """Return what the model's file holds."""
    flavour = model.flavours.get("sklearn", {})
    # Models of the first MLflow versions name no format.
    serialization = flavour.get("serialization_format", "pickle")
    return read_serialized(model_file(model), serialization, flavour.get("skops_trusted_types"))


def model_file(model: ModelFolder) -> Path:
    """Return where the estimator is; MLflow has used three keys for it."""
    conf, flavour = model.python_function, model.flavours.get("sklearn", {})
    names = (conf.get("data"), conf.get("model_path"), flavour.get("pickled_model"))
    files = [file for file in (model.path / str(name) for name in names if name) if file.is_file()]
    if not files:
        raise Unloadable("the model's file is not in its folder")
    return files[0]
