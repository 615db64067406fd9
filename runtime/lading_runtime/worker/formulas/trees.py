"""Trees and forests of one target: what the leaves say that a row comes to, or the mean of that.

The reference are ``BaseDecisionTree`` (``sklearn.tree._classes``), ``ForestClassifier`` and
``ForestRegressor`` (``sklearn.ensemble._forest``), which add up what their trees say in their order, unless
threads do.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

from lading_runtime.worker.formulas.formula import Formula, flat, largest, of_finite, then

DTYPE = "float32"
"""What trees compare."""

MAX_ALONE = 1 << 17
"""Rows times trees. With more of them, a forest that may use threads is faster than one loop."""

Leaves = Callable[[Any], Any]
"""From rows to what the leaves say: a column, or one for each class."""


def tree_answers(tree: Any) -> Formula | None:
    """Return what ``predict`` of a tree computes: numbers, or classes if it knows any."""
    if tree.n_outputs_ != 1:
        return None
    said = of_finite(tree.tree_.predict, DTYPE)
    return then(said, largest, tree.classes_.take) if hasattr(tree, "classes_") else then(said, flat)


def tree_probabilities(tree: Any) -> Formula | None:
    """Return what ``predict_proba`` of a classifier computes."""
    return of_finite(shares(tree), DTYPE) if tree.n_outputs_ == 1 else None


def forest_values(forest: Any) -> Formula | None:
    """Return what ``predict`` of a regressor computes."""
    if forest.n_outputs_ != 1:
        return None
    return then(mean(forest, [tree.tree_.predict for tree in forest.estimators_], 1), flat)


def forest_probabilities(forest: Any) -> Formula | None:
    """Return what ``predict_proba`` of a classifier computes."""
    if forest.n_outputs_ != 1:
        return None
    return mean(forest, [shares(tree) for tree in forest.estimators_], forest.n_classes_)


def forest_classes(forest: Any) -> Formula | None:
    """Return what ``predict`` of a classifier computes."""
    probabilities = forest_probabilities(forest)
    return None if probabilities is None else then(probabilities, largest, forest.classes_.take)


def shares(tree: Any) -> Leaves:
    """Return what tells which share each class has in the leaves of *tree*."""
    counts_of: Leaves = tree.tree_.predict
    # Since scikit-learn 1.4 the leaves themselves have shares.
    if "normalizer" not in type(tree).predict_proba.__code__.co_varnames:
        return counts_of

    def shares_of(rows: Any) -> Any:
        counts = counts_of(rows)
        sums = counts.sum(axis=1)[:, None]
        sums[sums == 0.0] = 1.0
        counts /= sums
        return counts

    return shares_of


def mean(forest: Any, trees: list[Leaves], columns: int) -> Formula:
    """Return the mean of what *trees* say, which have so many *columns*."""
    zeros = importlib.import_module("numpy").zeros

    def mean_of(rows: Any) -> Any:
        answer = zeros((len(rows), columns))
        for leaves in trees:
            answer += leaves(rows)
        answer /= len(trees)
        return answer

    formula = of_finite(mean_of, DTYPE)
    if forest.n_jobs in (None, 1):
        return formula
    most = MAX_ALONE // len(trees)
    return lambda data: formula(data) if len(data) <= most else None
