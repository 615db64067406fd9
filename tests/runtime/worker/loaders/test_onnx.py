"""ONNX models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = pytest.mark.xdist_group("flavour onnx")
VARIANTS = [
    "one_input",
    "one_file",
    "doubles",
    "many_inputs",
    "texts",
    "options",
    "parallel",
    "providers",
    "one_provider",
    "absent_provider",
    "odd_providers",
    "old",
]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("onnx", "light")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A graph, for frames, arrays and arrays by name, predicts bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "onnx")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
