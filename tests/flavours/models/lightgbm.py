"""LightGBM models as MLflow saves them, today and before."""

from pathlib import Path
from typing import Any

import lightgbm as lgb
import mlflow.lightgbm
import numpy as np
import pandas as pd

from tests.flavours.variant import Variant, forget

GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame(GENERATOR.random((80, 3)), columns=["a", "b", "c"])
TARGET = FRAME["a"] + 2 * FRAME["b"]
CLASSES = pd.Series(GENERATOR.integers(0, 3, 80))
INPUTS = (
    FRAME.head(5),
    FRAME.head(3).set_axis(["x", "y", "z"]),
    FRAME[["c", "a", "b"]].head(2),
    FRAME[["a"]].head(2),
    FRAME.to_numpy()[:4],
    (FRAME.head(2), {"raw_score": True}),
)
SMALL = {"verbose": -1, "min_data_in_leaf": 2, "num_threads": 1}


def save(model: Any, **options: Any) -> Any:
    """How *model* is saved."""
    options = {"input_example": FRAME.head(3), "pip_requirements": ["lightgbm"], **options}
    return lambda folder: mlflow.lightgbm.save_model(model, folder, **options)


BOOSTER = lgb.train(SMALL, lgb.Dataset(FRAME, TARGET), num_boost_round=5)
CLASSIFIER = lgb.LGBMClassifier(n_estimators=5, **SMALL).fit(FRAME, CLASSES)
REGRESSOR = lgb.LGBMRegressor(n_estimators=5, **SMALL).fit(FRAME, TARGET)
RANKER = lgb.LGBMRanker(n_estimators=5, **SMALL).fit(FRAME, CLASSES, group=[20] * 4)
TRUSTED = [
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
]


def save_first(folder: Path) -> None:
    """A booster of MLflow before 1.23, which knew no classes."""
    save(BOOSTER)(folder)
    forget(folder, "lightgbm", "model_class")


def save_unnamed_format(folder: Path) -> None:
    """An estimator of MLflow before 3.10, which wrote only cloudpickle and did not say so."""
    save(CLASSIFIER, serialization_format="cloudpickle")(folder)
    forget(folder, "lightgbm", "serialization_format")


VARIANTS = {
    "booster": Variant(save(BOOSTER), INPUTS),
    "booster_old": Variant(save_first, INPUTS),
    "classifier": Variant(save(CLASSIFIER, skops_trusted_types=TRUSTED), INPUTS),
    "classifier_cloudpickle": Variant(save(CLASSIFIER, serialization_format="cloudpickle"), INPUTS),
    "classifier_pickle": Variant(save(CLASSIFIER, serialization_format="pickle"), INPUTS),
    "classifier_old": Variant(save_unnamed_format, INPUTS),
    "regressor": Variant(save(REGRESSOR, serialization_format="cloudpickle"), INPUTS),
    "ranker": Variant(save(RANKER, serialization_format="cloudpickle"), INPUTS),
}
