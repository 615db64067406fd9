"""XGBoost models, loaded without MLflow.

The reference is ``mlflow.xgboost._load_pyfunc`` and its ``_XGBModelWrapper``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any, Callable, Sequence

from lading_runtime.worker.formulas.formula import Formula
from lading_runtime.worker.loaders.flavour import class_named, flavour_of, part_of
from lading_runtime.worker.loaders.named_arrays import array_predictor
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params


class XgboostLoader:
    """Loads boosters and estimators in each of the formats that XGBoost writes."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        flavour = flavour_of(model, "xgboost")
        file = part_of(model, flavour.get("data"))
        # Models of MLflow before 1.22 name no class.
        estimator = class_named(flavour.get("model_class", "xgboost.core.Booster"))()
        estimator.load_model(str(file))
        predict = predictor(estimator)
        formula, names = of_arrays(estimator)
        of_tables = array_predictor(predict, formula, names, are_compared=True)
        return LoadedModel("xgboost", predict, of_arrays=of_tables)


def predictor(estimator: Any) -> Callable[[Any, Params], Any]:
    """Return how *estimator* predicts, given those of the params that it knows."""
    xgboost = importlib.import_module("xgboost")
    if isinstance(estimator, xgboost.Booster):
        known = known_params(estimator.predict)
        return lambda data, params: estimator.predict(
            xgboost.DMatrix(data), validate_features=True, **known(params)
        )
    is_own = isinstance(estimator, xgboost.XGBModel)
    predict = functools.partial(estimator.predict, validate_features=True) if is_own else estimator.predict
    known = known_params(predict)
    return lambda data, params: predict(data, **known(params))


def of_arrays(estimator: Any) -> tuple[Formula, Sequence[str] | None]:
    """Return how *estimator* predicts from arrays, and the names that it knows; None if it is nobody's."""
    xgboost = importlib.import_module("xgboost")
    if type(estimator) is xgboost.Booster:
        names, matrix = estimator.feature_names, xgboost.DMatrix
        return lambda data: estimator.predict(matrix(data, feature_names=names)), names
    predict = functools.partial(estimator.predict, validate_features=False)
    is_own = type(estimator).__module__ == "xgboost.sklearn"
    return predict, estimator.get_booster().feature_names if is_own else None


def known_params(function: Callable[..., Any]) -> Callable[[Params], dict[str, Any]]:
    """Return what leaves of the params those that *function* has; all, if it takes any."""
    parameters = inspect.signature(function).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return lambda params: params or {}
    return lambda params: {name: value for name, value in (params or {}).items() if name in parameters}
