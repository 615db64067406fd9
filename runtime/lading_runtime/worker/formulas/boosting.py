"""Boosted trees: what is said of every row at first, and then by one tree after the other.

The reference is ``sklearn.ensemble._gb``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.formulas.formula import TWO_CLASSES, Formula, flat, largest, of_finite, then
from lading_runtime.worker.formulas.trees import DTYPE


def values(boosting: Any) -> Formula | None:
    """Return what ``predict`` of a regressor computes."""
    scores = scores_of(boosting)
    return None if scores is None else then(scores, flat)


def classes(boosting: Any) -> Formula | None:
    """Return what ``predict`` of a classifier computes; of two classes only the second has a score."""
    # Before scikit-learn 1.4 probabilities were compared, which may be equal where scores are not.
    loss = getattr(boosting, "_loss", None)
    if loss is None or hasattr(loss, "_raw_prediction_to_decision"):
        return None
    scores, choice = scores_of(boosting), largest if len(boosting.classes_) > TWO_CLASSES else not_below_zero
    return None if scores is None else then(scores, choice, boosting.classes_.take)


def not_below_zero(scores: Any) -> Any:
    """Return 0 for each score below zero, and 1 for others: zero is the second class here."""
    return (flat(scores) >= 0).astype(int)


def scores_of(boosting: Any) -> Formula | None:
    """Return the sum of what is said of rows, unless somebody's own estimator begins."""
    if boosting.init is not None:
        return None
    numpy = importlib.import_module("numpy")
    start = boosting._raw_predict_init(numpy.zeros((1, boosting.n_features_in_), DTYPE))  # noqa: SLF001
    add = importlib.import_module("sklearn.ensemble._gradient_boosting").predict_stages
    trees, rate = boosting.estimators_, boosting.learning_rate

    def sums(rows: Any) -> Any:
        answer = start.repeat(len(rows), axis=0)
        add(trees, rows, rate, answer)
        return answer

    return of_finite(sums, DTYPE)
