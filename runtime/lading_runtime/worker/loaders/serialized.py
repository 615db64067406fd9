"""Python objects in files: pickle, cloudpickle and skops, behind MLflow's switch that forbids them.

The reference is ``mlflow.sklearn._load_model_from_local_file``.
"""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

from lading_runtime.worker.loaders.switches import is_switched_off
from lading_runtime.worker.model import Unloadable


def read_serialized(file: Path, serialization: str, trusted_types: list[str] | None = None) -> Any:
    """Return the object that *file* holds.

    Raises:
        Unloadable: the format is unknown, or nobody trusts the types in the file, or reading is forbidden.
    """
    refuse_if_forbidden()
    if serialization == "skops":
        return read_skops(file, trusted_types)
    if serialization not in {"pickle", "cloudpickle"}:
        raise Unloadable(f"the model's serialization_format is {serialization!r}, which no MLflow writes")
    reader = pickle if serialization == "pickle" else importlib.import_module("cloudpickle")
    with file.open("rb") as stream:
        return reader.load(stream)


def refuse_if_forbidden() -> None:
    """Do nothing where reading a model may run its code.

    Raises:
        Unloadable: MLflow's switch forbids it.
    """
    if is_switched_off("MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        raise Unloadable("MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false, and reading a model can run its code")


def read_skops(file: Path, trusted_types: list[str] | None) -> Any:
    """Return what *file* holds if it holds only types that skops or *trusted_types* trust."""
    skops_io = importlib.import_module("skops.io")
    try:
        return skops_io.load(file, trusted=trusted_types)
    except TypeError as error:
        # By name: where skops keeps its errors has changed from version to version.
        if type(error).__name__ != "UntrustedTypesFoundException":
            raise
        message = str(error).splitlines()[0].rstrip(".")
        raise Unloadable(f"skops: {message}; log the model with them in skops_trusted_types") from error
