"""Linear models: a product and a sum, and for classifiers the class for which that is largest.

The reference are ``LinearClassifierMixin`` and ``LinearModel`` (``sklearn.linear_model._base``),
``BaseSGDRegressor``, ``LogisticRegression`` and ``softmax`` (``sklearn.utils.extmath``).
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

from lading_runtime.worker.formulas.formula import TWO_CLASSES, Formula, flat, largest, of_finite, then

MAX_WEIGHTS = 1 << 20
"""With more of them, what is saved is nothing beside what is computed."""

ONE_AGAINST_REST = ("liblinear", "newton-cholesky")
"""Solvers that fit each of several classes against all others, in some versions or in all."""


def values(estimator: Any) -> Formula | None:
    """Return what ``predict`` of a regressor computes."""
    weights, intercept = estimator.coef_.T, estimator.intercept_
    return of_finite(lambda data: data @ weights + intercept) if weights.size <= MAX_WEIGHTS else None


def classes(estimator: Any) -> Formula | None:
    """Return what ``predict`` of a classifier computes; of two classes only the second has a score."""
    scores, choice = values(estimator), above_zero if len(estimator.classes_) == TWO_CLASSES else largest
    return None if scores is None else then(scores, choice, estimator.classes_.take)


def above_zero(scores: Any) -> Any:
    """Return 1 for each score above zero, and 0 for others."""
    return (flat(scores) > 0).astype(int)


def probabilities(estimator: Any) -> Formula | None:
    """Return what ``predict_proba`` of a logistic regression computes, of the kinds that are the default."""
    scores, kind = values(estimator), getattr(estimator, "multi_class", "auto")
    if scores is None or kind not in ("auto", "deprecated"):
        return None
    if len(estimator.classes_) == TWO_CLASSES:
        return then(scores, logistic())
    return then(scores, softmax()) if estimator.solver not in ONE_AGAINST_REST else None


def logistic() -> Callable[[Any], Any]:
    """Return the function from scores to the probabilities of two classes."""
    numpy, expit = importlib.import_module("numpy"), importlib.import_module("scipy.special").expit

    def probabilities_of(scores: Any) -> Any:
        second = expit(scores[:, 0])
        return numpy.stack([1 - second, second], axis=1)

    return probabilities_of


def softmax() -> Callable[[Any], Any]:
    """Return the function from scores to the probabilities of several classes, which take their place."""
    exp = importlib.import_module("numpy").exp

    def probabilities_of(scores: Any) -> Any:
        scores -= scores.max(axis=1).reshape(-1, 1)
        exp(scores, out=scores)
        scores /= scores.sum(axis=1).reshape(-1, 1)
        return scores

    return probabilities_of
