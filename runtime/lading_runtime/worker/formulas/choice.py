"""Which formula computes what a method of an estimator does."""

from __future__ import annotations

from typing import Any

from lading_runtime.worker.formulas import boosting, linear, scaling, trees
from lading_runtime.worker.formulas.formula import Formula, FormulaOf

FORMULAS: dict[tuple[str, str], FormulaOf] = {
    ("sklearn.ensemble._forest.ForestClassifier", "predict"): trees.forest_classes,
    ("sklearn.ensemble._forest.ForestClassifier", "predict_proba"): trees.forest_probabilities,
    ("sklearn.ensemble._forest.ForestRegressor", "predict"): trees.forest_values,
    ("sklearn.ensemble._gb.GradientBoostingClassifier", "predict"): boosting.classes,
    ("sklearn.ensemble._gb.GradientBoostingRegressor", "predict"): boosting.values,
    ("sklearn.linear_model._base.LinearClassifierMixin", "predict"): linear.classes,
    ("sklearn.linear_model._base.LinearModel", "predict"): linear.values,
    ("sklearn.linear_model._base.MultiOutputLinearModel", "predict"): linear.values,
    ("sklearn.linear_model._bayes.ARDRegression", "predict"): linear.values,
    ("sklearn.linear_model._bayes.BayesianRidge", "predict"): linear.values,
    ("sklearn.linear_model._logistic.LogisticRegression", "predict_proba"): linear.probabilities,
    ("sklearn.linear_model._ridge.Ridge", "predict"): linear.values,
    ("sklearn.linear_model._ridge.RidgeCV", "predict"): linear.values,
    ("sklearn.linear_model._ridge._RidgeClassifierMixin", "predict"): linear.classes,
    ("sklearn.linear_model._stochastic_gradient.BaseSGDRegressor", "predict"): linear.values,
    ("sklearn.preprocessing._data.MaxAbsScaler", "transform"): scaling.max_abs,
    ("sklearn.preprocessing._data.MinMaxScaler", "transform"): scaling.min_max,
    ("sklearn.preprocessing._data.RobustScaler", "transform"): scaling.robust,
    ("sklearn.preprocessing._data.StandardScaler", "transform"): scaling.standard,
    ("sklearn.tree._classes.BaseDecisionTree", "predict"): trees.tree_answers,
    ("sklearn.tree._classes.DecisionTreeClassifier", "predict_proba"): trees.tree_probabilities,
}
"""By the class in which a method is defined, and the method."""


def formula_of(estimator: Any, name: str) -> Formula | None:
    """Return what the method *name* of *estimator* computes, if that is known."""
    kind = next((kind for kind in type(estimator).__mro__ if name in vars(kind)), None)
    if kind is None:
        return None
    known = FORMULAS.get((f"{kind.__module__}.{kind.__qualname__}", name))
    return None if known is None else known(estimator)
