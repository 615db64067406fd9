"""Which loader loads a model, and what happens around it."""

from __future__ import annotations

import os
import re
import sys

from lading_runtime.worker.loaders.catboost import CatboostLoader
from lading_runtime.worker.loaders.keras import KerasLoader
from lading_runtime.worker.loaders.lightgbm import LightgbmLoader
from lading_runtime.worker.loaders.loader import Loader
from lading_runtime.worker.loaders.onnx import OnnxLoader
from lading_runtime.worker.loaders.paddle import PaddleLoader
from lading_runtime.worker.loaders.pmdarima import PmdarimaLoader
from lading_runtime.worker.loaders.prophet import ProphetLoader
from lading_runtime.worker.loaders.python_function import PythonFunctionLoader
from lading_runtime.worker.loaders.pytorch import PytorchLoader
from lading_runtime.worker.loaders.sentence_transformers import SentenceTransformersLoader
from lading_runtime.worker.loaders.sklearn import SklearnLoader
from lading_runtime.worker.loaders.spacy import SpacyLoader
from lading_runtime.worker.loaders.statsmodels import StatsmodelsLoader
from lading_runtime.worker.loaders.switches import is_switched_off
from lading_runtime.worker.loaders.tensorflow import TensorflowLoader
from lading_runtime.worker.loaders.xgboost import XgboostLoader
from lading_runtime.worker.model import LoadedModel, ModelFolder, Unloadable
from lading_runtime.worker.openmp import provide_libgomp

NATIVE: dict[str, Loader] = {
    "mlflow.catboost": CatboostLoader(),
    "mlflow.keras": KerasLoader(),
    "mlflow.lightgbm": LightgbmLoader(),
    "mlflow.onnx": OnnxLoader(),
    "mlflow.paddle": PaddleLoader(),
    "mlflow.pmdarima": PmdarimaLoader(),
    "mlflow.prophet": ProphetLoader(),
    "mlflow.pytorch": PytorchLoader(),
    "mlflow.sentence_transformers": SentenceTransformersLoader(),
    "mlflow.sklearn": SklearnLoader(),
    "mlflow.spacy": SpacyLoader(),
    "mlflow.statsmodels": StatsmodelsLoader(),
    "mlflow.tensorflow": TensorflowLoader(),
    "mlflow.xgboost": XgboostLoader(),
}
"""By the ``loader_module`` that they replace with the same output, whether MLflow is installed or not.

A model that names a loader of its own beside such a flavour means that loader, and gets it.
"""

MLFLOW_ENVIRONMENT = {
    # MLflow decodes base64 and ISO times for models with type hints only when it serves.
    "_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true",
    # Importing MLflow starts a thread that reports home, also in a container without a network.
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

MISSING_LIBRARY = re.compile(r"(\S+\.so[.0-9]*): cannot open shared object file: No such file")
"""What glibc says of a library that another one needs (``dl-load.c``)."""

DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libxcb.so.1": "libxcb1",
}
"""Of libraries that popular wheels expect of the system."""


def load(model: ModelFolder) -> LoadedModel:
    """Return *model* loaded in this process, the model's code folder first on ``sys.path``.

    Raises:
        Unloadable: something that the model needs is not there, or is not allowed.
    """
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if is_switched_off("MLFLOW_ALLOW_MODEL_CODE_EXECUTION"):
        raise Unloadable("MLFLOW_ALLOW_MODEL_CODE_EXECUTION is false, and loading a model runs its code")
    provide_libgomp()
    add_code(model)
    loader = NATIVE.get(model.loader_module, PythonFunctionLoader())
    try:
        return loader.load(model)
    except ModuleNotFoundError as error:
        raise missing_module(error) from error
    except (ImportError, OSError) as error:
        library = MISSING_LIBRARY.match(str(error))
        if library is None:
            raise
        raise missing_library(library[1]) from error


def add_code(model: ModelFolder) -> None:
    """Put the folder with the model's own code first on ``sys.path``, as MLflow does."""
    code = model.python_function.get("code")
    if code:
        sys.path.insert(0, str(model.path / code))


def missing_module(error: ModuleNotFoundError) -> Unloadable:
    """Return what to tell somebody whose model imports what is not installed."""
    name = error.name or str(error)
    hint = "build the image with --mlflow skinny or --mlflow full, or "
    return Unloadable(
        f"the model needs the module {name!r}, which is not in its environment; "
        f"{hint if name.partition('.')[0] == 'mlflow' else ''}"
        "add the package that has it to the model's pip requirements and build again"
    )


def missing_library(name: str) -> Unloadable:
    """Return what to tell somebody whose model needs a library that the system does not have."""
    package = DEBIAN_PACKAGES.get(name)
    hint = f", which Debian and Ubuntu have in the package {package!r}" if package else ""
    return Unloadable(
        f"the model needs the system library {name!r}{hint}; it is not in the image: "
        "build again with a --base-image that has it"
    )
