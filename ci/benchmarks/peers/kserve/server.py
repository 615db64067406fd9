"""The iris model behind KServe's SDK, as its documentation writes custom models; it does not batch.

https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor/custom-predictor
"""

import os
from typing import Any

import joblib
from kserve import Model, ModelServer


class Iris(Model):  # type: ignore[misc]  # not installed here
    """Answers each request with the classes of its instances."""

    def load(self) -> bool:
        """Load the model."""
        self.model = joblib.load(os.environ["MODEL_FILE"])
        self.ready = True
        return self.ready

    def predict(self, payload: dict[str, Any], _headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the answer to one request."""
        return {"predictions": self.model.predict(payload["instances"]).tolist()}


if __name__ == "__main__":
    model = Iris("iris")
    model.load()
    ModelServer(http_port=int(os.environ["PORT"]), workers=1, enable_grpc=False).start([model])
