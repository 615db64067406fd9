"""PyTorch models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour pytorch")]
VARIANTS = [
    "exported",
    "exported_fixed",
    "pickled",
    "pickled_by_pickle",
    "pickled_file",
    "script",
    "trace",
    "with_params",
    "convolution",
    "one_number",
]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("pytorch", "torch")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """An exported program, a pickled module and TorchScript predict bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "pytorch")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
