"""The iris model behind LitServe, with batching, as its documentation writes servers.

https://lightning.ai/docs/litserve/features/batching
"""

import os
from typing import Any

import joblib
import litserve
import numpy as np


class Iris(litserve.LitAPI):  # type: ignore[misc]  # not installed here
    """Answers each request with one class; LitServe makes a list of what several have sent."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        """Load the model."""
        self.model = joblib.load(os.environ["MODEL_FILE"])

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        """Return the row of a request."""
        row: list[float] = request["input"]
        return row

    def predict(self, rows: list[list[float]]) -> Any:
        """Return a class for each row."""
        return self.model.predict(np.array(rows))

    def encode_response(self, output: Any) -> dict[str, int]:
        """Return the answer to one request."""
        return {"output": int(output)}


if __name__ == "__main__":
    server = litserve.LitServer(
        Iris(max_batch_size=64, batch_timeout=0.001), accelerator="cpu", workers_per_device=1
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
