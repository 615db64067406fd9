"""TensorFlow models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour tensorflow")]
VARIANTS = [
    "keras",
    "keras_h5",
    "keras_h5_unmarked",
    "keras_of_mlflow_1",
    "keras_two_inputs",
    "custom_objects",
    "module",
    "module_of_many",
    "estimator",
    "estimator_column",
    "estimator_pairs",
    "estimator_unmarked",
]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("tensorflow", "tensorflow")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A Keras model, a module and an estimator's signature predict bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "tensorflow")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
