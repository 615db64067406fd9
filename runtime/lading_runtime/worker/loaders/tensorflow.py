"""TensorFlow models, loaded without MLflow: Keras in TensorFlow, modules, and estimators of TensorFlow 1.

The reference is ``mlflow.tensorflow._load_pyfunc`` and its ``_KerasModelWrapper``, ``_TF2ModuleWrapper`` and
``_TF2Wrapper``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path
from typing import Any, Callable

from lading_runtime.worker.loaders.flavour import data_of, flavour_of, part_of, release_of
from lading_runtime.worker.loaders.serialized import read_serialized
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params, Unloadable
from lading_runtime.worker.refusal import Refusal

H5_AS_FILES = ((2, 2, 3), (2, 16))
"""Versions that must be given an open HDF5 file: from the first, before the second."""


class TensorflowLoader:
    """Loads the three kinds of model that the flavour has had."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: it is of another kind.
        """
        kind = kind_of(model)
        if kind not in PREDICTORS:
            raise Unloadable(f"the model's model_type is {kind!r}, which no MLflow writes")
        return LoadedModel("tensorflow", PREDICTORS[kind](model))


def kind_of(model: ModelFolder) -> str:
    """Return the model's kind; those of old MLflow versions tell it by having a flavour for Keras or not."""
    is_keras = "keras" in model.flavours
    flavour = flavour_of(model, "keras" if is_keras else "tensorflow")
    return str(flavour.get("model_type") or ("keras" if is_keras else "tf1-estimator"))


def keras_predictor(model: ModelFolder) -> Callable[[Any, Params], Any]:
    """Return how a Keras model predicts."""
    call = silent(read_keras(data_of(model)).predict)
    pandas, numpy = importlib.import_module("pandas"), importlib.import_module("numpy")

    def predict(data: Any, _params: Params = None) -> Any:
        if isinstance(data, pandas.DataFrame):
            return pandas.DataFrame(call(data.values), index=data.index)
        if not isinstance(data, (numpy.ndarray, list, tuple, dict)):
            raise Refusal("the input must be an array, a list, a tuple or a dict", "INVALID_PARAMETER_VALUE")
        return call(data)

    return predict


def silent(predict: Callable[..., Any]) -> Callable[..., Any]:
    """Return *predict* without the progress bar that Keras draws for each request."""
    is_able = "verbose" in inspect.signature(predict).parameters
    return functools.partial(predict, verbose=0) if is_able else predict


def read_keras(data: Path) -> Any:
    """Return the Keras model in *data*, read by the Keras that saved it."""
    # Its name is not always that by which it is imported: tensorflow.keras is keras._tf_keras.keras today.
    keras = importlib.import_module(text_of(data / "keras_module.txt", "tensorflow.keras")).__name__
    saved_as = text_of(data / "save_format.txt", "h5")
    options = {"custom_objects": custom_objects(data), "compile": saved_as == "tf"}
    load_model = importlib.import_module(f"{keras}.models").load_model
    file = data / "model" if data.is_dir() else data
    if saved_as != "h5":
        own = Path(f"{file}.keras")
        return load_model(str(own if own.exists() else file), **options)
    release = release_of(importlib.import_module("tensorflow").__version__)
    if not H5_AS_FILES[0] <= release < H5_AS_FILES[1]:
        return load_model(f"{file}.h5", **options)
    with importlib.import_module("h5py").File(f"{file}.h5", "r") as stream:
        return load_model(stream, **options)


def text_of(file: Path, otherwise: str) -> str:
    """Return the content of *file*; models of old MLflow versions have none."""
    return file.read_text(encoding="utf-8") if file.is_file() else otherwise


def custom_objects(data: Path) -> dict[str, Any]:
    """Return the classes and functions that were saved beside the model, its own before global ones."""
    files = [data / f"{kind}custom_objects.cloudpickle" for kind in ("global_", "")]
    found = [read_serialized(file, "cloudpickle") for file in files if file.is_file()]
    return {name: value for objects in found for name, value in objects.items()}


def module_predictor(model: ModelFolder) -> Callable[[Any, Params], Any]:
    """Return how a module of TensorFlow 2 predicts."""
    tensorflow = importlib.import_module("tensorflow")
    module = tensorflow.saved_model.load(str(saved_model_of(model)))
    numpy = importlib.import_module("numpy")

    def predict(data: Any, _params: Params = None) -> Any:
        if not isinstance(data, (numpy.ndarray, list)):
            raise Refusal("Unsupported input data type, the input data must be numpy array or a list.")
        result = module(tensorflow.convert_to_tensor(data))
        return result.numpy() if isinstance(result, tensorflow.Tensor) else result

    return predict


def estimator_predictor(model: ModelFolder) -> Callable[[Any, Params], Any]:
    """Return how a signature of an estimator predicts."""
    flavour = flavour_of(model, "tensorflow")
    tensorflow = importlib.import_module("tensorflow")
    loaded = tensorflow.saved_model.load(
        export_dir=str(saved_model_of(model)), tags=flavour.get("meta_graph_tags")
    )
    infer = loaded.signatures[flavour.get("signature_def_key")]
    pandas, numpy = importlib.import_module("pandas"), importlib.import_module("numpy")

    def predict(data: Any, _params: Params = None) -> Any:
        is_frame = isinstance(data, pandas.DataFrame)
        if not is_frame and not isinstance(data, dict):
            raise TypeError("Only dict and DataFrame input types are supported")
        values = columns_of(pandas, numpy, data) if is_frame else data
        raw = infer(**{name: tensorflow.constant(value) for name, value in values.items()})
        answer = {name: flattened(tensor.numpy()) for name, tensor in raw.items()}
        return pandas.DataFrame.from_dict(data=answer) if is_frame else answer

    # The signature holds its variables only weakly, so the closure holds what they belong to.
    predict.model = loaded  # type: ignore[attr-defined]
    return predict


def saved_model_of(model: ModelFolder) -> Path:
    """Return the folder with TensorFlow's own format."""
    return part_of(model, flavour_of(model, "tensorflow").get("saved_model_dir"))


def columns_of(pandas: Any, numpy: Any, frame: Any) -> dict[Any, Any]:
    """Return the columns of *frame* as arrays; those that share a name as one of two dimensions."""
    columns = {name: frame[name] for name in frame}
    return {
        name: column.values if isinstance(column, pandas.DataFrame) else numpy.array(column.to_list())
        for name, column in columns.items()
    }


def flattened(array: Any) -> Any:
    """Return *array* flat if its rows have one element each, else as lists."""
    if len(array.shape) != 1 and all(len(row) == 1 for row in array):
        return array.ravel()
    return array.tolist()


PREDICTORS: dict[str, Callable[[ModelFolder], Callable[[Any, Params], Any]]] = {
    "keras": keras_predictor,
    "tf2-module": module_predictor,
    "tf1-estimator": estimator_predictor,
}
"""By ``model_type``."""
