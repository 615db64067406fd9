"""CatBoost models as MLflow saves them."""

from pathlib import Path
from typing import Any

import catboost as cb
import mlflow.catboost
import numpy as np
import pandas as pd

from tests.flavours.variant import Variant

GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame(GENERATOR.random((60, 3)), columns=["a", "b", "c"])
TARGET = FRAME["a"] + 2 * FRAME["b"]
CLASSES = pd.Series(GENERATOR.integers(0, 3, 60))
MIXED = FRAME.assign(c=np.where(FRAME["c"] > 0.5, "high", "low"))
INPUTS = (
    FRAME.head(5),
    FRAME.head(3).set_axis(["x", "y", "z"]),
    FRAME[["c", "a", "b"]].head(2),
    FRAME[["a"]].head(2),
    FRAME.to_numpy()[:4],
    (FRAME.head(2), {"prediction_type": "Probability"}),
)
SMALL: dict[str, Any] = {"iterations": 5, "verbose": False, "allow_writing_files": False, "thread_count": 1}


def save(model: Any, example: pd.DataFrame = FRAME, **options: Any) -> Any:
    """How *model* is saved."""
    options = {"input_example": example.head(3), "pip_requirements": ["catboost"], **options}
    return lambda folder: mlflow.catboost.save_model(model, folder, **options)


def save_as_json(folder: Path) -> None:
    """A model in another format of CatBoost's, which reads it by its name."""
    save(cb.CatBoostRegressor(**SMALL).fit(FRAME, TARGET), format="json")(folder)


CLASSIFIER = cb.CatBoostClassifier(**SMALL).fit(FRAME, CLASSES)
MIXED_CLASSIFIER = cb.CatBoostClassifier(**SMALL, cat_features=["c"]).fit(MIXED, CLASSES)
RANKER = cb.CatBoostRanker(**SMALL).fit(FRAME, CLASSES, group_id=np.arange(60) // 10)
PLAIN = cb.CatBoost({**SMALL, "loss_function": "RMSE"}).fit(FRAME, TARGET)

VARIANTS = {
    "classifier": Variant(save(CLASSIFIER), INPUTS),
    "classifier_of_categories": Variant(save(MIXED_CLASSIFIER, MIXED), (MIXED.head(4), FRAME.head(2))),
    "regressor": Variant(save(cb.CatBoostRegressor(**SMALL).fit(FRAME, TARGET)), INPUTS),
    "regressor_json": Variant(save_as_json, INPUTS),
    "ranker": Variant(save(RANKER), INPUTS),
    "plain": Variant(save(PLAIN), INPUTS),
}
