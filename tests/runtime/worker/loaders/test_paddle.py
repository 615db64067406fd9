"""PaddlePaddle models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour paddle")]
VARIANTS = ["layer", "high_level"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("paddle", "paddle")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A model predicts bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "paddle")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
