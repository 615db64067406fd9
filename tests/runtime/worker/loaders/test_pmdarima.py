"""pmdarima models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour pmdarima")]
VARIANTS = ["arima", "arima_of_array", "pipeline", "exogenous"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("pmdarima", "text-and-time")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A forecast, with bounds or without, is bit for bit what it is in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "pmdarima")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
