"""Linear models: a product and a sum, and for classifiers the class for which that is largest.

The reference are ``LinearClassifierMixin`` and ``LinearModel`` (``sklearn.linear_model._base``),
``BaseSGDRegressor``, ``LogisticRegression`` and ``softmax`` (``sklearn.utils.extmath``).
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

from lading_runtime.worker.formulas.formula import Formula, flat, largest, of_finite, then


def values(estimator: Any) -> Formula:
    """Return what ``predict`` of a regressor computes."""
    weights, intercept = estimator.coef_.T, estimator.intercept_
    return of_finite(lambda data: data @ weights + intercept)


def classes(estimator: Any) -> Formula:
    """Return what ``predict`` of a classifier computes; of two classes only the second has a score."""
    choice = above_zero if len(estimator.classes_) == 2 else largest  # noqa: PLR2004
    return then(values(estimator), choice, estimator.classes_.take)


def above_zero(scores: Any) -> Any:
    """Return 1 for each score above zero, and 0 for others."""
    return (flat(scores) > 0).astype(int)


def probabilities(estimator: Any) -> Formula:
    """Return what ``predict_proba`` of a logistic regression computes."""
    return then(values(estimator), logistic() if len(estimator.coef_) == 1 else softmax())


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
