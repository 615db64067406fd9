"""LightGBM models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = pytest.mark.xdist_group("flavour lightgbm")
VARIANTS = [
    "booster",
    "booster_old",
    "classifier",
    "classifier_cloudpickle",
    "classifier_pickle",
    "classifier_old",
    "regressor",
    "ranker",
]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("lightgbm", "light")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A booster or estimator, from each file that MLflow wrote, predicts bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "lightgbm")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
