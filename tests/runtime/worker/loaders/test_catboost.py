"""CatBoost models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = pytest.mark.xdist_group("flavour catboost")
VARIANTS = ["classifier", "classifier_of_categories", "regressor", "regressor_json", "ranker", "plain"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("catboost", "light")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A model of each class, from each file that MLflow wrote, predicts bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "catboost")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
