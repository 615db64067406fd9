"""Save a model that holds 1 GB with the real MLflow: python train_heavy.py FOLDER."""

import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

GIGABYTE = 10**9
FEATURES = 4


class Nearest(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # not installed where types are checked
    """Looks rows up in a table, of which it uses a little and keeps all."""

    def load_context(self, context: Any) -> None:
        """Read the table."""
        with Path(context.artifacts["table"]).open("rb") as stream:
            self.table = pickle.load(stream)  # noqa: S301 - written here

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow's
        """Return which row of the table's beginning is nearest."""
        rows = np.asarray(model_input)
        distances = ((self.table[None, :100, :] - rows[:, None, :]) ** 2).sum(axis=2)
        return distances.argmin(axis=1)


def main(folder: Path) -> None:
    """Make the table and save the model."""
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float64"), (-1, FEATURES))]),
        outputs=Schema([TensorSpec(np.dtype("int64"), (-1,))]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "table.pkl")
        with file.open("wb") as stream:
            numbers = np.random.default_rng(0).random((GIGABYTE // 8 // FEATURES, FEATURES))
            pickle.dump(numbers, stream, protocol=5)
        mlflow.pyfunc.save_model(
            folder, python_model=Nearest(), artifacts={"table": str(file)}, signature=signature
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
