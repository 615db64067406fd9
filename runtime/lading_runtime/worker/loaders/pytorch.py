"""PyTorch modules, loaded without MLflow: exported programs, pickled modules and TorchScript.

The reference is ``mlflow.pytorch._load_pyfunc`` and its ``_PyTorchWrapper``.
"""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
from pathlib import Path
from typing import Any

from lading_runtime.worker.loaders.flavour import data_of, release_of
from lading_runtime.worker.loaders.python_function import PythonFunctionLoader, model_config
from lading_runtime.worker.loaders.serialized import refuse_if_forbidden
from lading_runtime.worker.loaders.switches import is_switched_off
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params, Unloadable

MLFLOW_PICKLE = "mlflow.pytorch.pickle_module"
"""What most modules were pickled with: cloudpickle, whose files any ``pickle`` reads."""

FIRST_WEIGHTS_ONLY = (2, 6)
"""The version from which ``torch.load`` reads nothing but weights unless it is told to."""


class PytorchLoader:
    """Loads a module for the device that is asked for, or for a GPU if there is one."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: reading pickles is forbidden, or the model was exported for another device.
        """
        data = data_of(model)
        if is_exported(data) and is_switched_off("MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
            # Only MLflow tells whether an exported program holds pickles.
            return PythonFunctionLoader().load(model)
        torch = importlib.import_module("torch")
        device = chosen_device(torch, model)
        read = read_exported if is_exported(data) else read_pickled
        return LoadedModel("pytorch", Network(torch, read(torch, data, device), device).predict)


def is_exported(data: Path) -> bool:
    """Tell whether *data* holds a program of ``torch.export``."""
    return data.is_dir() and not (data / "model.pth").exists()


def chosen_device(torch: Any, model: ModelFolder) -> str:
    """Return where the model computes: as its config says, or the environment, or on what there is."""
    config = model_config(model.python_function.get("config")) or {}
    wanted = config.get("device") or os.environ.get("MLFLOW_DEFAULT_PREDICTION_DEVICE")
    return str(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))


def read_exported(torch: Any, data: Path, device: str) -> Any:
    """Return the module of an exported program, which stays on the device that it was exported for."""
    module = torch.export.load(str(data / "model.pt2")).module()
    target = torch.device(device).type
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        if tensor.device.type != target:
            raise Unloadable(
                f"the model was exported with weights on {tensor.device.type!r} and is to run on {target!r}; "
                f"set MLFLOW_DEFAULT_PREDICTION_DEVICE={tensor.device.type}, or log model.to({target!r})"
            )
    return module


def read_pickled(torch: Any, data: Path, device: str) -> Any:
    """Return a pickled module or one of TorchScript, on *device*."""
    refuse_if_forbidden()
    options = {} if release_of(torch.__version__) < FIRST_WEIGHTS_ONLY else {"weights_only": False}
    if data.is_dir():
        options["pickle_module"] = pickle_module(
            (data / "pickle_module_info.txt").read_text(encoding="utf-8")
        )
        data /= "model.pth"
    module = torch.load(str(data), **options)
    module.eval()
    return module.to(device=device)


def pickle_module(name: str) -> Any:
    """Return the module with which ``torch.load`` reads what the module *name* wrote."""
    if name != MLFLOW_PICKLE:
        return importlib.import_module(name)
    importlib.import_module("cloudpickle")  # functions in the file are made by it
    return pickle


class Network:
    """A module of one input tensor and one output tensor."""

    def __init__(self, torch: Any, module: Any, device: str) -> None:
        self.torch = torch
        self.module = module
        self.device = device
        self.is_forecaster = is_forecaster(module)
        self.numpy = importlib.import_module("numpy")
        self.pandas = importlib.import_module("pandas")

    def predict(self, data: Any, params: Params = None) -> Any:
        """Return a frame for a frame, and an array for an array."""
        if params and "device" in params:
            raise ValueError(
                "the device can no longer be specified as an inference parameter; set"
                " MLFLOW_DEFAULT_PREDICTION_DEVICE, or SERVING_MODEL_CONFIG to {'device': …}"
            )
        values = self.values(data)
        with self.torch.no_grad():
            answer = self.answer(values, params or {})
        if not isinstance(data, self.pandas.DataFrame) or self.is_forecaster:
            return answer
        return self.pandas.DataFrame(answer, index=data.index)

    def values(self, data: Any) -> Any:
        """Return *data* as the module takes it.

        Raises:
            TypeError: it is neither frame nor array.
        """
        if isinstance(data, self.pandas.DataFrame):
            return data if self.is_forecaster else data.to_numpy(dtype=self.numpy.float32)
        if not isinstance(data, self.numpy.ndarray):
            raise TypeError("Input data should be pandas.DataFrame or numpy.ndarray")
        if self.is_forecaster:
            raise TypeError("The pytorch forecasting model does not support numpy.ndarray input data")
        return data

    def answer(self, values: Any, params: dict[str, Any]) -> Any:
        """Return the module's output as an array.

        Raises:
            TypeError: the module gave something else than one tensor.
        """
        if self.is_forecaster:
            tensor = self.module.predict(values)
        else:
            tensor = self.module(self.torch.from_numpy(values).to(self.device), **params)
        if self.device != "cpu":
            tensor = tensor.to("cpu")
        if not isinstance(tensor, self.torch.Tensor):
            kind = type(tensor).__name__
            raise TypeError(f"Expected PyTorch model to output a single output tensor, but got {kind}")
        return tensor.numpy()


def is_forecaster(module: Any) -> bool:
    """Tell whether *module* is one of pytorch-forecasting's, which predict from frames."""
    try:
        forecasting = importlib.import_module("pytorch_forecasting.models")
    except ImportError:
        return False
    return isinstance(module, forecasting.BaseModel)
