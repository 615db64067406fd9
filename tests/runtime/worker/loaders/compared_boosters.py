"""Run in an environment with XGBoost and LightGBM: what models say of data frames and of arrays, as JSON.

python compared_boosters.py RUNTIME_FOLDER
"""

import json
import sys
import warnings
from typing import Any

sys.path.append(sys.argv[1])

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from lading_runtime.worker.loaders import xgboost as xgboost_loader
from lading_runtime.worker.loaders.named_arrays import array_predictor

RNG = np.random.RandomState(0)
NAMES = ["sepal length (cm)", "b", "c d", "e"]
FRAME = pd.DataFrame(RNG.standard_normal((200, 4)) * [1, 10, 0.1, 3], columns=NAMES)
SUM = FRAME.sum(axis=1)
THREE = np.digitize(SUM, [-5, 5])
MIXED = FRAME.assign(b=pd.Categorical(np.where(FRAME["b"] > 0, "x", "y")))
TREES = {"n_estimators": 8, "n_jobs": 2}
BOOSTED = {"verbose": -1, "num_threads": 2}


def estimators():
    """Yield names and XGBoost's models."""
    yield "classes", xgboost.XGBClassifier(**TREES).fit(FRAME, THREE)
    yield "two classes", xgboost.XGBClassifier(**TREES).fit(FRAME, THREE > 1)
    yield "numbers", xgboost.XGBRegressor(**TREES).fit(FRAME, SUM)
    yield "forest", xgboost.XGBRFRegressor(**TREES).fit(FRAME, SUM)
    yield "linear", xgboost.XGBRegressor(booster="gblinear", **TREES).fit(FRAME, SUM)
    yield "dropping", xgboost.XGBRegressor(booster="dart", **TREES).fit(FRAME, SUM)
    yield "missing", xgboost.XGBRegressor(missing=0.5, **TREES).fit(FRAME, SUM)
    stopping = xgboost.XGBRegressor(early_stopping_rounds=1, **TREES)
    yield "stopped", stopping.fit(FRAME, SUM, eval_set=[(FRAME, SUM)], verbose=False)
    yield "booster", xgboost.train({"objective": "multi:softprob", "num_class": 3}, matrix(FRAME, THREE), 5)
    yield "categories", xgboost.XGBRegressor(enable_categorical=True, **TREES).fit(MIXED, SUM)
    yield "nameless", xgboost.XGBRegressor(**TREES).fit(FRAME.to_numpy(), SUM)


def matrix(frame, target):
    """Return XGBoost's own kind of data."""
    return xgboost.DMatrix(frame, target)


def boosters():
    """Yield names and LightGBM's models, as they are read from a file."""
    found: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "light numbers": (FRAME, SUM, {}),
        "light classes": (FRAME, THREE, {"objective": "multiclass", "num_class": 3}),
        "light zeros": (FRAME, SUM, {"zero_as_missing": True}),
        "light lines": (FRAME, SUM, {"linear_tree": True}),
        "light categories": (MIXED, SUM, {}),
    }
    for name, (frame, target, options) in found.items():
        fitted = lightgbm.train({**BOOSTED, **options}, lightgbm.Dataset(frame, target), 5)
        yield name, lightgbm.Booster(model_str=fitted.model_to_string())


def predictors():
    """Yield names, what is said of data frames, and what predicts from arrays."""
    for name, estimator in estimators():
        predict = xgboost_loader.predictor(estimator)
        formula, names = xgboost_loader.of_arrays(estimator)
        yield name, predict, array_predictor(predict, formula, names, are_compared=True)
    for name, booster in boosters():
        yield name, lambda data, _, ask=booster.predict: ask(data), light(booster)


def light(booster):
    """Return what predicts from arrays by LightGBM's *booster*."""
    names = booster.feature_name()
    return array_predictor(lambda data, _: booster.predict(data), booster.predict, names, are_compared=False)


def asked():
    """Yield arrays of all kinds."""
    array = FRAME.to_numpy()
    for size in (0, 1, 2, 7, 64, 200):
        yield array[:size]
    for special in (np.nan, np.inf, -np.inf, 1e300, -1e39, 5e-324, 0.5, -0.0):
        for place in ((3, 1), (slice(None), slice(None))):
            changed = array.copy()
            changed[place] = special
            yield changed
    for dtype in ("float32", "int64", "int32", "bool"):
        yield array.astype(dtype)
    yield np.asfortranarray(array)
    yield np.full((5, 4), 2**40 + 1)


def said(predict, data, params):
    """Return what *predict* says, to the bit, or how it refuses that."""
    try:
        answer = predict(data, params)
    except Exception as error:  # noqa: BLE001 - compared
        return type(error).__name__, str(error).splitlines()[0].rpartition("] ")[2]
    return str(answer.dtype), answer.shape, answer.tobytes()


def differing(predict, of_arrays):
    """Return of which arrays *of_arrays* says something else than *predict* of data frames."""
    params: tuple[Any, ...] = (None, {}, {"output_margin": True})
    return [
        (number, each)
        for number, array in enumerate(asked())
        for each in params
        if said(of_arrays.predict, array.copy(), each)
        != said(predict, pd.DataFrame(array.copy(), columns=NAMES), each)
    ]


def found_of(predict, of_arrays):
    """Return what is found of one model."""
    if of_arrays is None:
        return {"accepts": False}
    return {
        "accepts": of_arrays.accepts(NAMES),
        "others": of_arrays.accepts(NAMES[::-1]),
        "fewer": of_arrays.accepts(NAMES[:3]),
        "differing": differing(predict, of_arrays),
    }


def questions():
    """Return how often a model has been asked when it is loaded, when it is offered arrays, and once more."""
    asked: list[Any] = []

    def formula(data: Any) -> Any:
        asked.append(data)
        return data

    of_arrays = array_predictor(lambda data, _: data.to_numpy(), formula, NAMES, are_compared=True)
    assert of_arrays is not None
    counts = [len(asked)]
    for _ in range(2):
        of_arrays.accepts(NAMES)
        counts.append(len(asked))
    return counts


def main():
    """Print what is found."""
    warnings.simplefilter("ignore")
    found = {name: found_of(predict, of_arrays) for name, predict, of_arrays in predictors()}
    print(json.dumps({"questions": questions(), "models": found}))  # noqa: T201 - for the test


main()
