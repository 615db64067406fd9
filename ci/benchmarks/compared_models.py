"""The models that servers are compared on: irises first, then what is slower, or larger."""

import hashlib
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import environment
from measure import FOLDER, run
from serving import Question

HERE = Path(__file__).with_name("models")
IRIS_COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
IRIS = Question({"dataframe_split": {"columns": IRIS_COLUMNS, "data": [[5.1, 3.5, 1.4, 0.2]]}})
ROWS, COLUMNS = 1000, 20


IRIS_TITLE = "Logistic regression on irises, one row per request, one worker"
"""What the peers' own benchmarks serve, too; of the models here, the one that hides least of a server."""


@dataclass(frozen=True)
class FurtherModel:
    """A model, and what is asked of it."""

    title: str
    folder: str
    question: Question


def wide_rows() -> dict[str, Any]:
    """Return a request of many rows and columns."""
    numbers = random.Random(0)  # noqa: S311 - any numbers do
    data = [[numbers.random() for _ in range(COLUMNS)] for _ in range(ROWS)]
    return {"dataframe_split": {"columns": [f"feature_{n}" for n in range(COLUMNS)], "data": data}}


FURTHER = (
    FurtherModel("A random forest of 100 trees, one row per request", "forest", IRIS),
    FurtherModel("XGBoost, 100 trees for each of 3 classes, one row per request", "xgboost", IRIS),
    FurtherModel("Logistic regression, 1,000 rows of 20 columns per request", "wide", Question(wide_rows())),
)


def models_python() -> Path:
    """Return the interpreter that further models are trained and served with."""
    return environment("models", HERE / "requirements.txt")


def trained() -> Path:
    """Return the folder with the models, made once."""
    program = HERE / "train.py"
    key = hashlib.sha256(program.read_bytes() + (HERE / "requirements.txt").read_bytes()).hexdigest()[:12]
    folder = FOLDER / f"models-{key}"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(models_python(), program, folder, cwd=folder)
        (folder / "made").touch()
    return folder
