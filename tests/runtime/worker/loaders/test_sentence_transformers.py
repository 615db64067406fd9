"""Sentence transformers' models without MLflow, beside MLflow's own wrapper."""

import pytest

from tests.flavours.environment import Answers, answers_of

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("flavour sentence_transformers")]
VARIANTS = ["encoder", "embeddings_task"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("sentence_transformers", "torch")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """Embeddings, as arrays and as OpenAI answers, are bit for bit what they are in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "sentence_transformers")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)
