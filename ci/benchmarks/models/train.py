"""Train and save the benchmark's further models with the real MLflow: python train.py FOLDER.

Each is a folder in FOLDER: ``forest`` and ``xgboost`` know irises, ``wide`` has 20 named columns of doubles.
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


def save(flavour: Any, estimator: Any, rows: pd.DataFrame, classes: Any, folder: Path) -> None:
    """Fit *estimator* and save it with its signature and an example."""
    estimator.fit(rows, classes)
    signature = infer_signature(rows, estimator.predict(rows))
    flavour.save_model(estimator, folder, signature=signature, input_example=rows[:2])


def main(folder: Path) -> None:
    """Train all of them."""
    iris = load_iris(as_frame=True)
    forest = RandomForestClassifier(n_estimators=100, random_state=42)
    save(mlflow.sklearn, forest, iris.data, iris.target, folder / "forest")
    save(mlflow.xgboost, XGBClassifier(n_estimators=100), iris.data, iris.target, folder / "xgboost")
    numbers = np.random.default_rng(0)
    names = [f"feature_{number}" for number in range(COLUMNS)]
    rows = pd.DataFrame(numbers.random((1000, COLUMNS)), columns=names)
    save(mlflow.sklearn, LogisticRegression(), rows, rows.sum(axis=1) > COLUMNS / 2, folder / "wide")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
