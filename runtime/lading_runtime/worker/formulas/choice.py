"""Which estimators have a formula, and how they predict from arrays with it."""

from __future__ import annotations

import copy
from typing import Any, Sequence

from lading_runtime.worker.formulas import boosting, linear, scaling, trees
from lading_runtime.worker.formulas.formula import Formula, FormulaOf
from lading_runtime.worker.formulas.trial import MAX_FEATURES, Step, tried

FORMULAS: dict[tuple[str, str], FormulaOf] = {
    ("sklearn.ensemble._forest.ForestClassifier", "predict"): trees.forest_classes,
    ("sklearn.ensemble._forest.ForestClassifier", "predict_proba"): trees.forest_probabilities,
    ("sklearn.ensemble._forest.ForestRegressor", "predict"): trees.forest_values,
    ("sklearn.ensemble._gb.GradientBoostingClassifier", "predict"): boosting.classes,
    ("sklearn.ensemble._gb.GradientBoostingRegressor", "predict"): boosting.values,
    ("sklearn.linear_model._base.LinearClassifierMixin", "predict"): linear.classes,
    ("sklearn.linear_model._base.LinearModel", "predict"): linear.values,
    ("sklearn.linear_model._logistic.LogisticRegression", "predict_proba"): linear.probabilities,
    ("sklearn.linear_model._stochastic_gradient.BaseSGDRegressor", "predict"): linear.values,
    ("sklearn.preprocessing._data.MaxAbsScaler", "transform"): scaling.max_abs,
    ("sklearn.preprocessing._data.MinMaxScaler", "transform"): scaling.min_max,
    ("sklearn.preprocessing._data.RobustScaler", "transform"): scaling.robust,
    ("sklearn.preprocessing._data.StandardScaler", "transform"): scaling.standard,
    ("sklearn.tree._classes.DecisionTreeClassifier", "predict"): trees.tree_classes,
    ("sklearn.tree._classes.DecisionTreeClassifier", "predict_proba"): trees.tree_probabilities,
    ("sklearn.tree._classes.DecisionTreeRegressor", "predict"): trees.tree_values,
}
"""By a class, which may be a base of the estimator's, and a method."""


def in_turn(parts: Sequence[Any], name: str) -> Step:
    """Return the method *name* of the last of *parts*, of what the others before it make of an array.

    Args:
        parts: what a pipeline consists of, or one estimator; scikit-learn's own, unchanged.
        name: a method that takes nothing but an array.
    """
    *transformers, last = parts
    steps = [*(step_of(each, "transform") for each in transformers), step_of(last, name)]
    if len(steps) == 1:
        return steps[0]

    def predict(data: Any) -> Any:
        for step in steps:
            data = step(data)
        return data

    return predict


def step_of(estimator: Any, name: str) -> Step:
    """Return the method *name* of *estimator*, by its formula where both are known to say the same."""
    own: Step = getattr(estimator, name)
    try:
        formula = formula_of(estimator, name)
    except Exception:  # noqa: BLE001 - of a version that nobody knows yet; it predicts as it always did, then
        return own
    if formula is None:
        return own
    return tried(formula, own, features_of(estimator), reference=getattr(single_threaded(estimator), name))


def formula_of(estimator: Any, name: str) -> Formula | None:
    """Return what the method *name* of *estimator* computes, if that is known."""
    if not 0 < features_of(estimator) <= MAX_FEATURES:
        return None
    for kind in type(estimator).__mro__:
        known = FORMULAS.get((f"{kind.__module__}.{kind.__qualname__}", name))
        if known is not None:
            return known(estimator)
    return None


def features_of(estimator: Any) -> int:
    """Return how many numbers a row has; 0 if *estimator* does not say."""
    return int(getattr(estimator, "n_features_in_", 0))


def single_threaded(estimator: Any) -> Any:
    """Return *estimator* as one that uses no threads, which add up in whatever order they end."""
    if getattr(estimator, "n_jobs", None) in (None, 1):
        return estimator
    alone = copy.copy(estimator)
    alone.n_jobs = 1
    return alone
