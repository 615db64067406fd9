"""Each flavour with a loader of its own, served without MLflow, beside MLflow's own server.

The models are those of `tests/flavours`, saved by the real MLflow; so are the answers of its server. What is
posted is the example that MLflow saved with the model, and bodies that the model refuses.
"""

import json
import math
from typing import Any

import httpx
import pytest

from tests.contracts.conftest import Starter, ask_as_mlflow
from tests.contracts.process.conftest import ServerProcess
from tests.flavours.environment import interpreter, models_of

FAMILIES = {
    "light": {
        "catboost": ["classifier", "regressor"],
        "lightgbm": ["booster", "classifier", "classifier_cloudpickle"],
        "onnx": ["one_input", "many_inputs", "texts"],
        "statsmodels": ["formula", "ols", "arima"],
        "xgboost": ["booster", "classifier"],
    },
    "text-and-time": {
        "pmdarima": ["arima", "exogenous"],
        "prophet": ["plain", "regressor"],
        "spacy": ["exclusive"],
    },
    "torch": {
        "pytorch": ["exported", "pickled", "script"],
        "sentence_transformers": ["encoder", "embeddings_task"],
    },
    "tensorflow": {
        "keras": ["own", "exported", "two_inputs"],
        "tensorflow": ["keras", "keras_two_inputs", "module"],
    },
    "paddle": {"paddle": ["layer"]},
}
CASES = [
    pytest.param(
        flavour,
        variant,
        family,
        marks=[
            pytest.mark.xdist_group(f"flavour {flavour}"),
            *([] if family == "light" else [pytest.mark.heavy]),
        ],
        id=f"{flavour}-{variant}",
    )
    for family, flavours in FAMILIES.items()
    for flavour, variants in flavours.items()
    for variant in variants
]


@pytest.mark.parametrize(("flavour", "variant", "family"), CASES)
def test_the_server_answers_as_mlflows(start: Starter, flavour: str, variant: str, family: str):
    """A model's own example, and bodies that it refuses, are answered as MLflow answers, without MLflow."""
    folder = models_of(flavour, family) / variant
    cases = json.loads((folder / "served.json").read_text())
    server = start(folder / "model", interpreter(family, has_mlflow=False))

    assert cases
    for body, status, answer in cases:
        response = post(server, body)
        assert (response.status_code, outline(response.json())) == (status, outline(answer)), body


@pytest.mark.parametrize(("flavour", "variant", "family"), CASES)
def test_the_input_example_serves_mlflows_own_client(start: Starter, flavour: str, variant: str, family: str):
    """However MLflow sends a model's input example, and with its own client, it gets MLflow's answer."""
    model = models_of(flavour, family) / variant / "model"
    server = start(model, interpreter(family, has_mlflow=False))
    with_mlflow = interpreter(family, has_mlflow=True)

    for way, answers in json.loads(ask_as_mlflow(with_mlflow, model, server)).items():
        expected, answer = map(without_nan, answers)
        assert "error_code" not in expected
        assert answer == expected, way


def post(server: ServerProcess, body: str) -> httpx.Response:
    """Ask for predictions."""
    headers = {"Content-Type": "application/json"}
    return httpx.post(f"{server.url}/invocations", content=body, headers=headers, timeout=60)


def outline(answer: Any) -> Any:
    """Return *answer* with what is decided to differ left out: NaN is null, and messages tell no values."""
    if isinstance(answer, dict) and "error_code" in answer:
        return {key: value for key, value in answer.items() if key not in {"message", "stack_trace"}}
    return without_nan(answer)


def without_nan(value: Any) -> Any:
    """Return *value* with None for what JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return value
