"""XGBoost models as MLflow saves them, today and before."""

from pathlib import Path
from typing import Any

import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost as xgb

from tests.flavours.variant import Variant, forget

GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame(GENERATOR.random((60, 3)), columns=["a", "b", "c"])
TARGET = FRAME["a"] + 2 * FRAME["b"]
CLASSES = pd.Series(GENERATOR.integers(0, 3, 60))
INPUTS = (
    FRAME.head(5),
    FRAME.head(3).set_axis(["x", "y", "z"]),
    FRAME[["c", "a", "b"]].head(2),
    FRAME.head(0),
    FRAME.to_numpy()[:4],
    (FRAME.head(2), {"iteration_range": (0, 2), "unknown": 1}),
    (FRAME.head(2), {"output_margin": True}),
    (FRAME.head(2), {"validate_features": False}),
)


BODIES = (
    {"dataframe_records": [{"a": 0.1, "b": 0.2, "c": 0.3}, {"c": 1, "b": 2, "a": None}]},
    {"inputs": [[0.1, 0.2, 0.3]]},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}},
    {"dataframe_split": {"columns": ["a", "b", "c"], "data": [["x", 2, 3]]}},
)


def booster() -> Any:
    """A small booster."""
    return xgb.train({"objective": "reg:squarederror"}, xgb.DMatrix(FRAME, TARGET), num_boost_round=5)


def save(model: Any, **options: Any) -> Any:
    """How *model* is saved."""
    options = {"input_example": FRAME.head(3), "pip_requirements": ["xgboost"], **options}
    return lambda folder: mlflow.xgboost.save_model(model, folder, **options)


def save_old(folder: Path) -> None:
    """A model of MLflow before 1.22, which knew no classes."""
    save(booster())(folder)
    forget(folder, "xgboost", "model_class", "model_format")


CLASSIFIER = xgb.XGBClassifier(n_estimators=5).fit(FRAME, CLASSES)

VARIANTS = {
    "booster": Variant(save(booster()), INPUTS, BODIES),
    "booster_json": Variant(save(booster(), model_format="json"), INPUTS),
    "booster_old": Variant(save_old, INPUTS),
    "classifier": Variant(save(CLASSIFIER), INPUTS),
    "regressor": Variant(save(xgb.XGBRegressor(n_estimators=5).fit(FRAME, TARGET)), INPUTS),
    "forest": Variant(save(xgb.XGBRFRegressor(n_estimators=5).fit(FRAME, TARGET)), INPUTS),
    "ranker": Variant(
        save(xgb.XGBRanker(n_estimators=5).fit(FRAME, CLASSES, qid=np.arange(60) // 10)), INPUTS
    ),
}
