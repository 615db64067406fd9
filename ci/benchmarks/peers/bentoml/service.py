"""The iris model behind BentoML, with adaptive batching, as its documentation writes services.

https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html
"""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Iris:
    """Answers each request with the classes of its rows."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL_FILE"])

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=64)  # type: ignore[untyped-decorator]
    def classify(self, rows: np.ndarray) -> np.ndarray:
        """Return a class for each row."""
        classes: np.ndarray = self.model.predict(rows)
        return classes
