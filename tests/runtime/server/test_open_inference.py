"""What lies below ``/v2``, and what hosting platforms call, on a model process that echoes."""

import asyncio
import json
import sys

import httpx
import pytest
from lading_runtime.schema.signature import read_signature
from lading_runtime.server.app import create_app
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.model import ServedModel
from lading_runtime.server.probes import Drain
from lading_runtime.server.settings import Settings

MLMODEL = {
    "mlflow_version": "3.18.0",
    "flavors": {"python_function": {"loader_module": "mlflow.sklearn"}},
    "signature": {
        "inputs": json.dumps(
            [{"type": "double", "name": "a"}, {"type": "string", "name": "s", "required": False}]
        ),
        "outputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]),
    },
}


@pytest.fixture
def client(open_pool, tmp_path):
    """Return a function that runs a conversation with the application; its keywords are settings."""

    def run(conversation, *, each="ready", drained=False, mlmodel=MLMODEL, **environ):
        async def main():
            said = {"LADING_MODEL": str(tmp_path), "LADING_MODEL_PYTHON": sys.executable, **environ}
            settings = Settings.read({"LADING_BATCHING": "off", **said}, Limits(1, None))
            drain = Drain()
            drain.has_begun = drained
            async with open_pool(each) as pool:
                await pool.until_told()
                model = ServedModel(tmp_path, mlmodel)
                app = create_app(model, read_signature(mlmodel), settings, pool, drain).asgi
                transport = httpx.ASGITransport(app=app)
                async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                    return await conversation(http)

        return asyncio.run(asyncio.wait_for(main(), 60))

    return run


def get(path):
    """Return a conversation of one GET."""
    return lambda http: http.get(path)


def post(path, content=b"{}", **headers):
    """Return a conversation of one POST."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda http: http.post(path, content=body, headers=said)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True, "live": True}),
        ("/v2/models", {"models": ["model"]}),
        ("/v2/models/model/ready", {"name": "model", "ready": True}),
        ("/v2/models/model/versions/1/ready", {"name": "model", "ready": True}),
    ],
)
def test_probes_are_answered_in_json(client, path, expected):
    """Health and readiness have the bodies that KServe's client reads."""
    answer = client(get(path))

    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_says_what_it_has(client, path):
    """The server's metadata name the extensions that it has."""
    said = client(get(path)).json()

    assert said["name"] == "lading"
    assert {"binary_tensor_data", "model_configuration", "statistics"} <= set(said["extensions"])


@pytest.mark.parametrize("path", ["/v2/models/model", "/v2/models/model/versions/1"])
def test_the_model_says_what_it_takes_and_gives(client, path):
    """The model's metadata are its signature."""
    assert client(get(path)).json() == {
        "name": "model",
        "versions": ["1"],
        "platform": "mlflow_sklearn",
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [-1, 1], "parameters": {"content_type": "np"}},
            {"name": "s", "datatype": "BYTES", "shape": [-1, 1], "parameters": {"content_type": "str"}},
        ],
        "outputs": [
            {"name": "output-0", "datatype": "FP32", "shape": [-1, 3], "parameters": {"content_type": "np"}}
        ],
    }


def test_the_configuration_is_tritons(client):
    """``perf_analyzer`` finds the inputs and the batch size where Triton has them."""
    said = client(get("/v2/models/model/config")).json()

    assert said["max_batch_size"] == 0
    assert said["input"] == [
        {"name": "a", "data_type": "TYPE_FP64", "dims": [-1, 1]},
        {"name": "s", "data_type": "TYPE_STRING", "dims": [-1, 1]},
    ]
    assert said["output"] == [{"name": "output-0", "data_type": "TYPE_FP32", "dims": [-1, 3]}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/other", 404),
        ("/v2/models/model/versions/2", 404),
        ("/v2/models/model/nothing", 404),
        ("/v2/nothing", 404),
        ("/v2beta", 404),
        ("/v2beta/health/live", 404),
        ("/v2%2Fhealth/live", 404),
        ("/v2/models/model/infer", 405),
    ],
)
def test_unknown_paths_are_said_in_the_protocols_words(client, path, status):
    """What is not there is a 404, another method a 405, and the body says why as ``error``."""
    answer = client(get(path))

    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/models/model/ready"])
def test_a_draining_server_is_not_ready(client, path):
    """Readiness is 503 from the moment in which the server is asked to end; it is alive."""
    assert client(get(path), drained=True).status_code == 503
    assert client(get("/v2/health/live"), drained=True).json() == {"live": True}


def test_the_repository_has_the_one_model(client):
    """Loading it changes nothing, unloading is refused, and the index tells its state."""
    index = client(post("/v2/repository/index")).json()
    drained = client(post("/v2/repository/index"), drained=True).json()

    assert index == [{"name": "model", "version": "1", "state": "READY", "reason": ""}]
    assert drained[0]["state"] == "UNAVAILABLE"
    assert client(post("/v2/repository/models/model/load")).status_code == 200
    assert client(post("/v2/repository/models/model/unload")).status_code == 400
    assert client(post("/v2/repository/models/other/load")).status_code == 404


def test_the_environment_names_the_model(client):
    """A name from the environment may have any characters; the version comes from there, too."""
    name = {"LADING_MODEL_NAME": "a b/c", "LADING_MODEL_VERSION": "7"}

    answer = client(get("/v2/models/a%20b%2Fc/versions/7"), **name)

    assert (answer.json()["name"], answer.json()["versions"]) == ("a b/c", ["7"])


def test_a_model_from_the_registry_has_its_name(client, tmp_path):
    """MLflow's clients write name and version beside a model that they download from the registry."""
    (tmp_path / "registered_model_meta").write_text("model_name: iris\nmodel_version: '3'\n")

    assert client(get("/v2/models/iris/versions/3")).status_code == 200


def test_an_image_says_what_the_registry_calls_its_model(client, tmp_path):
    """That counts more than what lies in the folder, and less than what the platform says."""
    (tmp_path / "registered_model_meta").write_text("model_name: other\nmodel_version: '1'\n")
    image = {"LADING_REGISTERED_MODEL": "iris/3"}

    assert client(get("/v2/models/iris/versions/3"), **image).status_code == 200
    assert client(get("/v2/models/mine/versions/3"), MODEL_NAME="mine", **image).status_code == 200
    assert client(get("/v2/models/other"), LADING_REGISTERED_MODEL="").status_code == 200


def column(*data, name="a", datatype="FP64"):
    """A request with one column."""
    return {"inputs": [{"name": name, "datatype": datatype, "shape": [len(data)], "data": list(data)}]}


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        ({}, {}, 400),
        ({"inputs": []}, {}, 400),
        (column(1, name="b"), {}, 400),
        (column("x"), {}, 400),
        (column(1), {"content_type": "text/csv"}, 415),
        (column(1), {"content_type": "application/octet-stream"}, 400),
        (column(1), {"Inference_Header_Content_Length": "x"}, 400),
        (column(1), {"Inference_Header_Content_Length": "99999"}, 400),
    ],
)
def test_bad_requests_are_refused_in_the_protocols_words(client, content, headers, status):
    """The body says what is wrong as ``error``, and nothing else."""
    answer = client(post("/v2/models/model/infer", content, **headers))

    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    "wanting",
    [
        {"outputs": [{"name": "payload-secret"}]},
        {"parameters": {"content_type": "payload-secret"}},
        {"inputs": [{**column(1.5)["inputs"][0], "parameters": {"content_type": "payload-secret"}}]},
    ],
)
def test_refusals_do_not_repeat_what_a_request_says(client, caplog, wanting):
    """What is refused for a word that nobody knows is logged, so the reason does not hold the word."""
    caplog.set_level("DEBUG")

    answer = client(post("/v2/models/model/infer", {**column(1.5), **wanting}))

    assert answer.status_code == 400
    assert "request refused" in caplog.messages
    assert "payload-secret" not in answer.text
    assert not any("payload-secret" in str(record.__dict__) for record in caplog.records)


def test_statistics_count_inferences(client):
    """Requests that were answered and those that failed are counted, with the time that they took."""

    async def conversation(http):
        await post("/v2/models/model/infer", b"{")(http)
        return (await http.get("/v2/models/stats")).json()["model_stats"][0]

    stats = client(conversation)

    assert stats["inference_stats"]["fail"]["count"] == 1
    assert stats["inference_stats"]["fail"]["ns"] > 0
    assert stats["inference_count"] == 0


VERTEX = {"AIP_HEALTH_ROUTE": "/healthz", "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict"}


def test_vertex_calls_the_paths_that_it_names(client):
    """The health route tells readiness, the predict route takes what ``/invocations`` takes."""
    assert client(get("/healthz"), **VERTEX).status_code == 200
    assert client(get("/healthz"), drained=True, **VERTEX).status_code == 503
    refused = client(post(VERTEX["AIP_PREDICT_ROUTE"], {"instances": [{"b": 1}]}), **VERTEX)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_azure_calls_the_paths_of_its_own_server(client):
    """``/`` says that the server lives and ``/score`` scores, where the environment is Azure's."""
    azure = {"AZUREML_MODEL_DIR": "/var/azureml-app/model"}

    assert client(get("/"), **azure).text == "Healthy"
    assert client(post("/score", {"inputs": [{"b": 1}]}), **azure).status_code == 400
    assert client(post("/score", {"inputs": []})).status_code == 404
