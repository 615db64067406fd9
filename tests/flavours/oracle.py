"""Save the models of a flavour with the real MLflow, and write down what its wrapper and its server answer.

    python -m tests.flavours.oracle FLAVOUR FOLDER

Each variant gets a folder: ``model``, its ``MLmodel`` as JSON, what was asked and what was answered: the
wrapper's predictions in ``answers.json``, the server's in ``served.json``.
"""

import importlib
import inspect
import json
import pickle
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import mlflow
import uvicorn
import yaml
from mlflow.pyfunc import scoring_server

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
    if variant.loader:
        mlmodel["flavors"]["python_function"]["loader_module"] = variant.loader
    (folder / "mlmodel.json").write_text(json.dumps(mlmodel, default=str))
    (folder / "requests.pickle").write_bytes(pickle.dumps(variant.requests()))
    (folder / "served.json").write_text(json.dumps(serve(variant, folder / "model")))
    # Loaded again: a function of TensorFlow that has failed in one thread waits forever in another.
    implementation = mlflow.pyfunc.load_model(str(folder / "model"))._model_impl
    answers = [answer(implementation, unpack(data), params) for data, params in variant.requests()]
    (folder / "answers.json").write_text(json.dumps(answers))


def serve(variant: Variant, model: Path) -> list[Any]:
    """Return what MLflow's server answers to the bodies of *variant*: body, status and answer of each."""
    example = model / "serving_input_example.json"
    bodies = [*([example.read_text()] if example.exists() else []), *map(json.dumps, variant.bodies)]
    app = scoring_server.init(mlflow.pyfunc.load_model(str(model)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    answers = [[body, *post(f"http://127.0.0.1:{port}/invocations", body)] for body in bodies]
    server.should_exit = True
    thread.join()
    return answers


def post(url: str, body: str) -> tuple[int, Any]:
    """Return status and answer of a request."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json_or_text(error.read().decode())


def json_or_text(body: str) -> Any:
    """Return *body*, which MLflow does not always write as JSON."""
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        return body


if __name__ == "__main__":
    flavour, target = sys.argv[1:]
    for name, entry in importlib.import_module(f"tests.flavours.models.{flavour}").VARIANTS.items():
        record(entry, Path(target) / name)
