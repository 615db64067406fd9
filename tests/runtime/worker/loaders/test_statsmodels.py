"""statsmodels models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = pytest.mark.xdist_group("flavour statsmodels")
VARIANTS = ["ols", "ols_of_arrays", "ols_lean", "glm", "formula", "arima", "sarimax", "smoothing"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("statsmodels", "light")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """Results of a fit, and time series from start to end, predict bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "statsmodels")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
