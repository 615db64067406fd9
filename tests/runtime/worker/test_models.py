"""The conformance models in their real environment: loaded, forked, predicting as in MLflow."""

import json
import subprocess
from pathlib import Path

import lading_runtime
import pytest

RUNTIME = Path(lading_runtime.__file__).parents[1]

ORACLE = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
sys.path.append(sys.argv[2])
import mlflow.pyfunc, pandas, yaml
from lading_runtime.worker.encode import encode
from lading_runtime.worker.loaders.choice import load
from lading_runtime.worker.model import ModelFolder

def said(prediction):
    value, (buffer,) = encode(prediction)
    return [value, bytes(buffer).hex()]

def data_for(name):
    if name in ("fn_model", "th_str", "th_example"):
        return ["a", "b"]
    names = pandas.read_json(folders / "iris" / "input_example.json", orient="split").columns
    frame = pandas.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.2, 2.8, 4.8, 1.8]], columns=list("abcd"))
    return frame.set_axis(names, axis=1) if name == "iris" else frame

folders = Path(sys.argv[1])
for name in sys.argv[3:]:
    folder = folders / name
    loaded = load(ModelFolder(folder, yaml.safe_load((folder / "MLmodel").read_text())))
    theirs = mlflow.pyfunc.load_model(str(folder)).predict(data_for(name))
    print(json.dumps([name, loaded.loader, said(loaded.predict(data_for(name), None)) == said(theirs)]))
"""

SKLEARN = (
    "iris",
    "sklearn_cloudpickle",
    "sklearn_functr",
    "sklearn_hgb",
    "sklearn_pickle",
    "sklearn_proba",
    "sklearn_rf",
    "sklearn_skops",
)
OTHERS = ("custom_loader", "echo_nosig", "fn_model", "mfc", "th_str")


def test_models_predict_what_they_predict_in_mlflow(mlflow_python, conformance):
    """Each scikit-learn model, loaded natively, and each Python model predicts exactly as in MLflow."""
    command = [mlflow_python, "-c", ORACLE, conformance.models, RUNTIME, *SKLEARN, *OTHERS]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]

    assert outcomes == [
        *([name, "sklearn", True] for name in SKLEARN),
        *([name, "python_function", True] for name in OTHERS),
    ], done.stderr


def test_a_loaded_model_is_shared(start_host, mlflow_python, conformance):
    """Model processes share the iris model and its libraries: another one costs far less than the first."""
    host = start_host(conformance.models / "iris", mlflow_python)
    processes = [host.model_process() for _ in range(3)]
    body = json.loads((conformance.models / "iris" / "serving_input_example.json").read_text())
    frame = body["dataframe_split"]
    for process in processes:
        assert process.first["model"]["is_shared"] is True
        assert process.predict(frame, kind="pandas") == [0, 0]

    for process in processes:
        assert rolled_up(process.pid, "Pss") < 0.6 * rolled_up(process.pid, "Rss")


def rolled_up(pid: int, name: str) -> int:
    """Return what memory a process sees (Rss), or costs with shared parts divided (Pss), in kilobytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@pytest.mark.parametrize(
    ("mode", "source", "code"),
    [
        ("raise_key", "model", None),
        ("raise_mlflow", "mlflow", "INTERNAL_ERROR"),
        ("raise_mlflow_ipv", "mlflow", "INVALID_PARAMETER_VALUE"),
        ("raise_mlflow_404", "mlflow", "RESOURCE_DOES_NOT_EXIST"),
        ("raise_mlflow_429", "mlflow", "REQUEST_LIMIT_EXCEEDED"),
        ("memory", "model", None),
        ("sysexit", "exit", None),
        ("set", "output", None),
    ],
)
def test_failures_of_real_models_are_told(out_process, mode, source, code):
    """What a model of the real MLflow raises has its source and code, and only the model's frames."""
    error = out_process.error({"data": [[mode]], "columns": ["mode"]}, kind="pandas")

    assert (error["source"], error.get("error_code")) == (source, code)
    assert "mlflow/" not in error["stack_trace"]


@pytest.fixture(scope="module")
def out_process(mlflow_python, conformance, start_shared_host):
    """A model process of the conformance model ``out``."""
    return start_shared_host(conformance.models / "out", mlflow_python).model_process()


def test_type_hints_of_a_model_are_enforced_without_telling_values(start_host, mlflow_python, conformance):
    """Where MLflow validates data itself, its error comes with its code, and without the data."""
    process = start_host(conformance.models / "th_pyd", mlflow_python).model_process()
    assert process.predict([{"text": "a", "zz": 1}]) == ["Msg:Msg(text='a', n=3)"]
    error = process.error([{"text": "tomatoes", "n": "7"}])

    assert (error["source"], error["error_code"]) == ("mlflow", "INVALID_PARAMETER_VALUE")
    assert "list[Msg]" in error["message"]
    assert "tomatoes" not in json.dumps(error)
    assert "'7'" not in json.dumps(error)
