"""The real clients of the Open Inference Protocol, against the server process and its ``/invocations``.

Triton's and KServe's clients, with JSON and with binary data, and MLServer's codecs: whatever one of them
says of an answer must be what ``/invocations`` of the same server answers to the same data.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.conftest import Starter
from tests.contracts.process.conftest import PATIENCE_S, ServerProcess
from tests.contracts.test_flavours import FAMILIES
from tests.flavours.environment import interpreter, models_of
from tests.open_inference.environment import MODULES, Client
from tests.open_inference.translation import outputs_of, request_of, same, tensor

MODEL = "model"
"""What a model is called that says no name."""

IRIS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]
IRIS_COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]


def split(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    """A split data frame."""
    return {"dataframe_split": {"columns": columns, "data": list(rows)}}


ECHOES = {
    "iris": split(IRIS_COLUMNS, *IRIS),
    "echo_col_boolean": split(["x"], [True], [False]),
    "echo_col_integer": split(["x"], [1], [-7]),
    "echo_col_long": split(["x"], [1 << 60], [-7]),
    "echo_col_float": split(["x"], [0.1], [3]),
    "echo_col_double": split(["x"], [0.1], [1e300]),
    "echo_col_string": split(["x"], ["é"], ["b"]),
    "echo_col_datetime": split(["x"], ["2024-01-02T03:04:05"], ["1999-12-31T00:00:00"]),
    "echo_tensor": {"inputs": [[1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]]},
    "echo_tensor_named": {"inputs": {"a": [[1, 2], [3, 4]], "b": [5, 1 << 60]}},
    "echo_params": {**split(["s"], ["a"]), "params": {"temperature": 0.25}},
    "echo_nosig": {"inputs": [[1.5, 2], [3, 4]]},
    "sklearn_proba": split(["a", "b", "c", "d"], [1, 2, 3, 4], [5, 6, 7, 8]),
}
"""A body for models of the conformance suite."""

LIGHT = [
    pytest.param(flavour, variant, marks=pytest.mark.xdist_group(f"flavour {flavour}"))
    for flavour, variants in FAMILIES["light"].items()
    for variant in variants
]
HEAVY = [
    pytest.param(family, flavour, variant, marks=[pytest.mark.heavy, pytest.mark.xdist_group(flavour)])
    for family, flavours in FAMILIES.items()
    for flavour, variants in flavours.items()
    for variant in variants
    if family != "light"
]

Clients = Callable[[str], Client]


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    """Return a function that gives a client by its name, started when it is first asked for."""
    started: dict[str, Client] = {}

    def client(name: str) -> Client:
        if name not in started:
            started[name] = Client(name)
        return started[name]

    yield client
    for one in started.values():
        one.close()


@pytest.mark.parametrize("model", ECHOES)
@pytest.mark.xdist_group("open inference")
def test_clients_get_the_answer_of_invocations(start: Starter, clients, conformance, mlflow_python, model):
    """What a client sends reaches the model as ``/invocations`` has it, and its answer comes back whole."""
    server = start(conformance.models / model, mlflow_python)

    compare(server, clients, ECHOES[model])


@pytest.mark.parametrize(("flavour", "variant"), LIGHT)
def test_clients_are_served_by_every_light_flavour(start: Starter, clients, flavour, variant):
    """A model's own example, sent by each client, is answered as ``/invocations`` answers it."""
    folder = models_of(flavour, "light") / variant
    server = start(folder / "model", interpreter("light", has_mlflow=False))

    compare(server, clients, *examples(folder))


@pytest.mark.parametrize(("family", "flavour", "variant"), HEAVY)
def test_clients_are_served_by_every_heavy_flavour(start: Starter, clients, family, flavour, variant):
    """The same for the flavours whose libraries are large."""
    folder = models_of(flavour, family) / variant
    server = start(folder / "model", interpreter(family, has_mlflow=False))

    compare(server, clients, *examples(folder))


def examples(folder: Path) -> list[dict[str, Any]]:
    """Return the bodies that MLflow's server has answered with predictions."""
    served = json.loads((folder / "served.json").read_text())
    bodies = [json.loads(body) for body, status, _ in served if status == httpx.codes.OK]
    assert bodies
    return bodies


def compare(server: ServerProcess, clients: Clients, *bodies: dict[str, Any]) -> None:
    """Ask for the predictions of *bodies* in every way, and compare."""
    metadata = httpx.get(f"{server.url}/v2/models/{MODEL}", timeout=PATIENCE_S).json()
    for body in bodies:
        answer = server.post(body).json()
        expected = outputs_of(answer.get("predictions", answer), metadata)
        request = request_of(body, metadata)
        for name in MODULES:
            told = clients(name).ask(server.url, MODEL, request)
            assert "error" not in told, (name, told)
            for way in {"json", "binary", "decoded"} & told.keys():
                assert same(told[way], expected), (name, way, told[way], expected)
            check_calls(name, told, metadata)


def check_calls(name: str, told: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Check what a client says of the other paths."""
    if name == "triton":
        assert told["id"] == "7"
        assert told["versions"] == metadata["versions"]
        assert told["configured"] == [item["name"] for item in metadata["inputs"]]
        assert (told["statistics"], told["index"], told["server"]) == (MODEL, MODEL, "lading")
    if name in ("triton", "kserve"):
        assert told["live"]
        assert told["ready"]


@pytest.mark.xdist_group("open inference")
def test_a_stream_is_an_answer_for_each_part(start: Starter, conformance, mlflow_python):
    """``infer_stream`` sends an event for each part: an answer of its own, with the request's id."""
    server = start(conformance.models / "stream_plain", mlflow_python)
    asked = {"id": "9", "inputs": [tensor("x", "INT64", [1], [1])]}

    answer = httpx.post(f"{server.url}/v2/models/{MODEL}/infer_stream", json=asked, timeout=PATIENCE_S)
    whole = httpx.post(f"{server.url}/v2/models/{MODEL}/infer", json=asked, timeout=PATIENCE_S)

    parts = [json.loads(event.removeprefix("data: ")) for event in answer.text.strip().split("\n\n")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [part["outputs"][0]["data"] for part in parts] == [["c0"], ["c1"], ["c2"]]
    assert {part["id"] for part in parts} == {"9"}
    assert whole.json()["outputs"][0]["data"] == ["full"]


@pytest.mark.xdist_group("open inference")
def test_half_floats_come_back_as_they_went(start: Starter, clients, conformance, mlflow_python):
    """FP16 reaches the model as such from clients that can send it."""
    server = start(conformance.models / "echo_nosig", mlflow_python)
    request = {"kind": "array", "tensors": [tensor("x", "FP16", [2], [0.5, 65504])]}

    for name in ("triton", "kserve"):
        told = clients(name).ask(server.url, MODEL, request)
        described = json.loads(told["binary"]["data"][0])

        assert (described["dtype"], described["repr"]) == ("float16", "[0.5, 65504.0]")
