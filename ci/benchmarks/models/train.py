"""Train and save the benchmark's further models with the real MLflow: python train.py FOLDER.

Each is a folder in FOLDER: ``iris``, ``forest`` and ``xgboost`` know irises, ``wide`` has 20 named columns of
doubles.
"""

import sys
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

COLUMNS = 20
PICKLED = {"serialization_format": "cloudpickle"}
"""As MLflow's autologging does; servers that know nothing of MLflow read it, too."""


def fitted(estimator: Any, rows: pd.DataFrame, classes: Any) -> dict[str, Any]:
    """Fit *estimator*; return its signature and an example, as `save_model` takes them."""
    estimator.fit(rows, classes)
    return {"signature": infer_signature(rows, estimator.predict(rows)), "input_example": rows[:2]}


def main(folder: Path) -> None:
    """Train all of them."""
    iris = load_iris(as_frame=True)
    forest, line = RandomForestClassifier(n_estimators=100, random_state=42), LogisticRegression()
    species = LogisticRegression(max_iter=500)
    trees = XGBClassifier(n_estimators=100, n_jobs=1)  # more than one wait for each other on a busy machine
    mlflow.sklearn.save_model(species, folder / "iris", **fitted(species, iris.data, iris.target), **PICKLED)
    described = fitted(forest, iris.data, iris.target)
    mlflow.sklearn.save_model(forest, folder / "forest", **described, **PICKLED)
    mlflow.xgboost.save_model(trees, folder / "xgboost", **fitted(trees, iris.data, iris.target))
    names = [f"feature_{number}" for number in range(COLUMNS)]
    rows = pd.DataFrame(np.random.default_rng(0).random((1000, COLUMNS)), columns=names)
    described = fitted(line, rows, rows.sum(axis=1) > COLUMNS / 2)
    mlflow.sklearn.save_model(line, folder / "wide", **described, **PICKLED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
