"""What hosting platforms say in their own words."""

import json
import sys

import pytest
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.hosting import Hosting
from lading_runtime.server.platforms import VertexDialect
from lading_runtime.server.settings import Settings
from lading_runtime.worker import frames

PARAMS = [{"name": "temperature", "default": 0.5, "shape": None, "type": "double"}]
JSON = {b"content-type": b"application/json"}


@pytest.mark.parametrize("name", ["parameters", "params"])
def test_vertex_calls_params_parameters(make_signature, name):
    """``parameters`` beside ``instances`` are MLflow's ``params``, which may be called so, too."""
    signature = make_signature({"type": "string", "name": "s"}, params=PARAMS)
    body = json.dumps({"instances": [{"s": "x"}], name: {"temperature": 0.25}}).encode()

    payload = VertexDialect().read(body, JSON, signature, is_streamable=False).payload

    assert payload.params is not None
    assert frames.build(payload.params, payload.buffers) == {"temperature": 0.25}
    assert frames.build(payload.data, payload.buffers)["s"].tolist() == ["x"]


def test_parameters_elsewhere_are_what_they_are(make_signature):
    """A column may be called ``parameters``, and other formats have no such member."""
    signature = make_signature({"type": "string", "name": "parameters"}, params=PARAMS)
    body = json.dumps({"dataframe_records": [{"parameters": "x"}]}).encode()

    payload = VertexDialect().read(body, JSON, signature, is_streamable=False).payload

    assert frames.build(payload.data, payload.buffers)["parameters"].tolist() == ["x"]


def hosting_of(environ):
    """Return what the environment says of the hosting."""
    return Hosting.read(lambda name, parse, default: parse(environ.get(name) or default))


def test_the_first_name_in_the_environment_counts():
    """Lading's own variables come before those of KServe and MLServer; empty ones count as absent."""
    environ = {"LADING_MODEL_NAME": "", "MODEL_NAME": "iris", "MLSERVER_MODEL_NAME": "other"}

    assert hosting_of(environ) == Hosting(model_name="iris")
    assert hosting_of({**environ, "LADING_MODEL_NAME": "mine"}).model_name == "mine"


@pytest.mark.parametrize("route", ["predict", "/predict"])
def test_routes_begin_with_a_slash(route):
    """Vertex AI's routes are paths, with or without their first slash."""
    assert hosting_of({"AIP_PREDICT_ROUTE": route}).predict_route == "/predict"


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "9000"}, 9000),
        ({"AIP_HTTP_PORT": "9001", "SAGEMAKER_BIND_TO_PORT": "9000"}, 9001),
        ({"PORT": "9002", "AIP_HTTP_PORT": "9001"}, 9002),
        ({}, 8080),
    ],
)
def test_platforms_say_where_to_listen(tmp_path, environ, port):
    """The port is that of ``PORT``, else Vertex AI's, else SageMaker's."""
    said = {"LADING_MODEL": str(tmp_path), "LADING_MODEL_PYTHON": sys.executable, **environ}

    assert Settings.read(said, Limits(1, None)).bind == f"0.0.0.0:{port}"
