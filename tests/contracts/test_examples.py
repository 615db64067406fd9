"""The input examples of models of every other kind, sent by MLflow and by its own client."""

import json
from typing import Any

import pytest

from tests.contracts.conftest import Starter, ask_as_mlflow

MODELS = ["chat_agent", "chat_model", "iris", "responses_agent", "th_example"]


def test_all_examples_are_sent(conformance):
    """No model of the conformance suite has an example that is not sent."""
    assert (
        sorted(file.parent.name for file in conformance.models.glob("*/serving_input_example.json")) == MODELS
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_input_example_serves_mlflows_own_client(start: Starter, conformance, mlflow_python, model: str):
    """However MLflow sends a model's input example, and with its own client, it gets MLflow's answer."""
    folder = conformance.models / model
    server = start(folder, mlflow_python)

    for way, answers in json.loads(ask_as_mlflow(mlflow_python, folder, server)).items():
        expected, answer = map(without_time, answers)
        assert "error_code" not in expected
        assert answer == expected, way


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    """Return *answer* without when it was made, which chat models tell."""
    return {key: value for key, value in answer.items() if key != "created"}
