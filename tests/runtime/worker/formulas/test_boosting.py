"""Boosted trees, where they are not as in ``test_choice.py``."""

from types import SimpleNamespace

from lading_runtime.worker.formulas.boosting import classes, values


def test_what_begins_with_somebodys_own_estimator_has_no_formula():
    """It may say something else of each row, or at random, and is not even asked."""
    boosting = SimpleNamespace(init=object(), _loss=object(), classes_=["a", "b"])

    assert values(boosting) is None
    assert classes(boosting) is None


def test_classes_of_versions_that_compare_probabilities_have_no_formula():
    """Scores may differ where probabilities are equal; of some versions nobody knows how they compare."""
    early = SimpleNamespace(
        init=None, _loss=SimpleNamespace(_raw_prediction_to_decision=None), classes_=[0, 1]
    )
    earlier = SimpleNamespace(init=None, classes_=[0, 1])

    assert classes(early) is None
    assert classes(earlier) is None
