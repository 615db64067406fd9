"""spaCy models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour spacy")]
VARIANTS = ["exclusive", "several", "old"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("spacy", "text-and-time")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """Each category of a text has bit for bit the score that it has in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "spacy")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
