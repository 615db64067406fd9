"""What MLflow's own client, and MLflow itself, get for a model's input example.

    python -m tests.flavours.client MODEL HOST PORT

Prints, as JSON, a pair for each way in which MLflow sends the example: what MLflow answers, and the server
at HOST and PORT. Runs in an environment with MLflow.
"""

import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import mlflow
import requests
from mlflow.models import Model, convert_input_example_to_serving_input, validate_serving_input
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input
from mlflow.utils.proto_json_utils import dump_input_data

JSON = scoring_server.CONTENT_TYPE_JSON


class Comparison:
    """A model in MLflow, and on a server."""

    def __init__(self, folder: str, host: str, port: str) -> None:
        self._folder = folder
        self._client = ScoringServerClient(host, port)
        self._model = mlflow.pyfunc.load_model(folder)
        metadata = Model.load(folder)
        self._example = metadata.load_input_example(folder)
        self._params = metadata.load_input_example_params(folder)

    def pairs(self) -> dict[str, list[Any]]:
        """Return MLflow's answer and the server's, by how the example is sent."""
        self._client.wait_server_ready()
        saved = Path(self._folder, "serving_input_example.json").read_text()
        example = self._example if self._params is None else (self._example, self._params)
        converted = convert_input_example_to_serving_input(example)
        return {
            "saved": self._posted(saved),
            "converted": self._posted(converted),
            "validated": [self._validated(saved), self._posted(saved)[1]],
            **self._invoked(),
        }

    def _posted(self, body: str) -> list[Any]:
        url = f"{self._client.url_prefix}/invocations"
        response = requests.post(url, body, headers={"Content-Type": JSON}, timeout=60)
        return [self._of_mlflow(body), response.json()]

    def _of_mlflow(self, body: str) -> Any:
        """Return what MLflow's server answers; its errors end the program."""
        schema = self._model.metadata.get_input_schema()
        return json.loads(scoring_server.invocations(body, JSON, self._model, schema).response)

    def _validated(self, body: str) -> Any:
        """Return what `validate_serving_input` returns, as MLflow's server would send it."""
        is_bare = is_unified_llm_input(json.loads(body))
        write = (
            scoring_server.unwrapped_predictions_to_json if is_bare else scoring_server.predictions_to_json
        )
        target = io.StringIO()
        write(validate_serving_input(self._folder, body), target)
        return json.loads(target.getvalue())

    def _invoked(self) -> dict[str, list[Any]]:
        """Return what the client gets, if it can send this example and read the answer.

        It sends no dictionaries (it takes their keys for pairs), and reads no answers without predictions.
        """
        if isinstance(self._example, dict):
            return {}
        expected = self._of_mlflow(dump_input_data(self._example, params=self._params))
        return {"invoked": [expected, dict(self._client.invoke(self._example, self._params))]}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write("\n" + json.dumps(Comparison(*sys.argv[1:]).pairs()))
