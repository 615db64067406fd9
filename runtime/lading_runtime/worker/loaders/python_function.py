"""Every model through the loader that it names: its own module, or MLflow's where MLflow is installed.

The reference is ``mlflow.pyfunc.load_model`` and ``PyFuncModel.predict``, without what the server has
done by then: it has read the model's signature and enforced it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, Callable, Iterable

from lading_runtime.worker.loaders.params import passing_params
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params, Unloadable
from lading_runtime.worker.refusal import Refusal

LOADER_FUNCTION = "_load_pyfunc"
"""What every loader module has: its name is MLflow's contract, whatever the underscore says."""

EXAMPLE_CONVERTER = "_convert_dataframe_to_example_format"
"""MLflow's name for what turns a data frame into the kind of object that an input example is."""


class PythonFunctionLoader:
    """Calls the ``_load_pyfunc`` of the model's ``loader_module``."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: what was loaded cannot predict.
        """
        conf = model.python_function
        implementation = call_loader(model)
        predict = method_of(implementation, conf.get("predict_fn", "predict"))
        if model.mlmodel.get("type_hint_from_example"):
            predict = like_the_example(model, predict)
        return LoadedModel("python_function", passing_params(predict), stream_of(implementation, conf))


def call_loader(model: ModelFolder) -> Any:
    """Return what the model's loader module makes of the model's data."""
    conf = model.python_function
    load_pyfunc = getattr(importlib.import_module(model.loader_module), LOADER_FUNCTION)
    data = str(model.path / conf["data"]) if "data" in conf else str(model.path)
    config = model_config(conf.get("config"))
    return load_pyfunc(data, config) if config else load_pyfunc(data)


def model_config(config: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the model's *config* with what the environment says instead, for keys that it has."""
    if not config:
        return config
    overrides: dict[str, Any] = {}
    for variable in ("MLFLOW_PYFUNC_INFERENCE_CONFIG", "SERVING_MODEL_CONFIG"):
        overrides.update(json.loads(os.environ.get(variable) or "{}"))
    return {key: overrides.get(key, value) for key, value in config.items()}


def method_of(implementation: Any, name: str) -> Callable[..., Any]:
    """Return the method *name* of what the loader module gave.

    Raises:
        Unloadable: it has none.
    """
    method: Callable[..., Any] | None = getattr(implementation, name, None)
    if method is None:
        kind = type(implementation).__name__
        raise Unloadable(f"the loader module gave a {kind}, which has no method {name!r}")
    return method


def stream_of(implementation: Any, conf: dict[str, Any]) -> Callable[[Any, Params], Iterable[Any]] | None:
    """Return how the model streams an answer, or None if it does not."""
    if not conf.get("streamable"):
        return None
    stream = passing_params(method_of(implementation, conf.get("predict_stream_fn", "predict_stream")))
    return lambda data, params: stream(single_input(data), params)


def single_input(data: Any) -> Any:
    """Return the one input in *data* as Python's own objects, as models that stream are given it.

    The reference is ``PyFuncModel._predict_stream`` with its ``_convert_llm_input_data``.

    Raises:
        Refusal: *data* holds several inputs or none.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        data = data.to_dict("list")[0] if list(data.columns) == [0] else data.to_dict("records")
    data = without_arrays(data)
    if not isinstance(data, list):
        return data
    if len(data) != 1:
        problem = f"a streamed answer is one to a single input, and there are {len(data)}"
        raise Refusal(problem, "INVALID_PARAMETER_VALUE")
    return data[0]


def without_arrays(data: Any) -> Any:
    """Return *data* with lists for NumPy arrays, however deep they lie."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, numpy.ndarray):
        data = data.tolist()
    if isinstance(data, list):
        return [without_arrays(item) for item in data]
    if isinstance(data, dict):
        return {key: without_arrays(value) for key, value in data.items()}
    return data


def like_the_example(model: ModelFolder, predict: Callable[..., Any]) -> Callable[..., Any]:
    """Return *predict* for data frames, which become what the model's input example is.

    Only models that say ``TypeFromExample``, a name of MLflow's, want that, so MLflow is there.
    """
    mlflow_models = importlib.import_module("mlflow.models")
    convert = getattr(importlib.import_module("mlflow.types.type_hints"), EXAMPLE_CONVERTER)
    call = passing_params(predict)
    example = mlflow_models.Model.load(str(model.path)).load_input_example(str(model.path))

    def predict_like_the_example(data: Any, params: Params = None) -> Any:
        pandas = sys.modules.get("pandas")
        is_frame = pandas is not None and isinstance(data, pandas.DataFrame)
        is_converted = is_frame and example is not None
        return call(convert(data, example) if is_converted else data, params)

    return predict_like_the_example
