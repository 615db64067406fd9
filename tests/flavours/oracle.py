"""Save the models of a flavour with the real MLflow, and write down what its wrapper predicts.

    python -m tests.flavours.oracle FLAVOUR FOLDER

Each variant gets a folder: ``model``, its ``MLmodel`` as JSON, what was asked and what was answered.
"""

import importlib
import inspect
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import mlflow
import yaml

from tests.flavours.describe import describe, describe_error
from tests.flavours.packing import unpack
from tests.flavours.variant import Variant


def answer(implementation: Any, data: Any, params: Any) -> Any:
    """Return what MLflow's wrapper answers, called as `mlflow.pyfunc.PyFuncModel` calls it."""
    try:
        if "params" in inspect.signature(implementation.predict).parameters:
            return describe(implementation.predict(data, params=params))
        return describe(implementation.predict(data))
    except Exception as error:  # noqa: BLE001 - what is raised is part of the answer
        return describe_error(error)


def record(variant: Variant, folder: Path) -> None:
    """Write one variant's folder."""
    folder.mkdir(parents=True)
    variant.save(folder / "model")
    mlmodel = yaml.safe_load((folder / "model" / "MLmodel").read_text())
    (folder / "mlmodel.json").write_text(json.dumps(mlmodel, default=str))
    (folder / "requests.pickle").write_bytes(pickle.dumps(variant.requests()))
    implementation = mlflow.pyfunc.load_model(str(folder / "model"))._model_impl
    answers = [answer(implementation, unpack(data), params) for data, params in variant.requests()]
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    flavour, target = sys.argv[1:]
    for name, entry in importlib.import_module(f"tests.flavours.models.{flavour}").VARIANTS.items():
        record(entry, Path(target) / name)
