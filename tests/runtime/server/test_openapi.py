"""The OpenAPI document: one for every signature, and true of what the server takes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from lading_runtime.protocol.decode import decode
from lading_runtime.protocol.open_inference.metadata import Identity, declared_inputs
from lading_runtime.schema.signature import Signature
from lading_runtime.server.card import Served
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.example import inference_example
from lading_runtime.server.inference import InferenceDialect
from lading_runtime.server.model import ServedModel
from lading_runtime.server.openapi import openapi_document
from lading_runtime.server.settings import Settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.runtime.signatures import signature_of, signatures

MLMODEL = {"flavors": {"python_function": {"loader_module": "mlflow.sklearn"}, "sklearn": {}}}
IRIS = Identity("iris", "1", "mlflow_sklearn")
NOWHERE = Path("/nonexistent")


def document(
    signature: Signature | None, identity: Identity = IRIS, *, keys: Path | None = None, **mlmodel: Any
) -> dict[str, Any]:
    """The document of a server, as clients read it."""
    environ = {"LADING_MODEL": str(Path(__file__).parent), "LADING_MODEL_PYTHON": sys.executable}
    if keys is not None:
        environ["LADING_API_KEY_FILE"] = str(keys)
    model = ServedModel(NOWHERE, {**MLMODEL, **mlmodel})
    served = Served(model, signature, identity, Settings.read(environ, Limits(1, None)))
    found: dict[str, Any] = json.loads(json.dumps(openapi_document(served, ["/invocations"])))
    return found


def scoring(api: dict[str, Any]) -> dict[str, Any]:
    """What a scoring request may be in JSON."""
    content: dict[str, Any] = api["paths"]["/invocations"]["post"]["requestBody"]["content"]
    return dict(content["application/json"])


def validator(api: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """What checks values against a schema of the document."""
    return Draft202012Validator({**schema, "components": api["components"]})


def accepts(api: dict[str, Any], body: Any) -> bool:
    """Whether *body* is a scoring request, says the document."""
    return bool(validator(api, scoring(api)["schema"]).is_valid(body))


@settings(max_examples=15, deadline=None)
@given(signatures())
def test_the_document_is_valid_for_every_signature(signature):
    """Whatever a model takes, the document is OpenAPI 3.1, and its schemas are JSON Schemas."""
    OpenAPIV31SpecValidator(document(signature)).validate()


def test_the_document_of_a_model_without_signature_is_valid():
    """A model of which nobody knows what it takes has a document, which then takes all formats."""
    api = document(None)

    OpenAPIV31SpecValidator(api).validate()
    assert "example" not in scoring(api)
    assert accepts(api, {"inputs": [1, 2]})
    assert accepts(api, {"messages": []})
    assert not accepts(api, {"inputs": [1], "instances": [1]})


@settings(max_examples=150, deadline=None)
@given(signatures())
def test_the_example_is_what_the_document_and_the_server_take(signature):
    """A model without an input example gets one that fits its schema, and that the server reads."""
    api = document(signature)
    example = scoring(api)["example"]

    validator(api, scoring(api)["schema"]).validate(example)
    decode(json.dumps(example).encode(), "application/json", signature)


@settings(max_examples=150, deadline=None)
@given(signatures())
def test_the_example_of_the_open_inference_protocol_is_taken(signature):
    """The same holds for the example of an inference request."""
    api = document(signature)
    example = inference_example(signature)

    validator(api, {"$ref": "#/components/schemas/InferenceRequest"}).validate(example)
    dialect = InferenceDialect(IRIS, signature)
    question = dialect.read(json.dumps(example).encode(), {}, signature, is_streamable=False)
    assert [tensor.name for tensor in question.request.inputs] == [
        item.name for item in declared_inputs(signature)
    ]


ROOMS = [
    {"type": "long", "name": "rooms", "required": True},
    {"type": "double", "name": "area", "required": True},
    {"type": "string", "name": "note", "required": False},
    {"type": "integer", "name": "floor", "required": False},
]
CURRENCY = [{"name": "currency", "type": "string", "default": "EUR", "shape": None}]


@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        ({"dataframe_split": {"columns": ["area", "rooms"], "data": [[1.5, 2]]}}, True),
        ({"dataframe_split": {"columns": ["area"], "data": [[1.5]]}}, False),
        ({"dataframe_split": {"data": [[1.5, 2]]}}, False),
        ({"dataframe_split": {"columns": ["area", "rooms"], "data": [[1.5, [2]]]}}, False),
        ({"dataframe_records": [{"rooms": 2, "area": None}]}, True),
        ({"dataframe_records": [{"rooms": 2, "area": 1.5, "note": None, "floor": 3}]}, True),
        ({"dataframe_records": [{"rooms": 2, "area": 1.5, "floor": None}]}, False),
        ({"dataframe_records": [{"rooms": None, "area": 1.5}]}, False),
        (
            {"dataframe_records": [{"rooms": 2, "area": 1.5, "note": "x"}], "params": {"currency": "CHF"}},
            True,
        ),
        ({"dataframe_records": [{"rooms": 2, "area": 1.5}], "params": {"currency": 1}}, False),
        ({"dataframe_records": [{"rooms": 2.5, "area": 1.5}]}, False),
        ({"inputs": {"rooms": [2], "area": [1.5]}}, True),
        ({"inputs": {"rooms": 2, "area": 1.5}}, True),
        ({"inputs": {"rooms": [2]}}, False),
        ({"instances": [{"rooms": 2, "area": 1.5}]}, True),
        ({"inputs": [], "instances": []}, False),
        ({"rooms": 2, "area": 1.5}, False),
    ],
)
def test_requests_are_described_as_they_are_taken(body, is_valid):
    """The document says of a request what the server says of it: columns, types, params, formats."""
    signature = signature_of(ROOMS, CURRENCY)

    assert accepts(document(signature), body) == is_valid
    assert is_taken(signature, body) == is_valid


def is_taken(signature: Signature, body: Any) -> bool:
    """Whether the server reads *body*."""
    try:
        decode(json.dumps(body).encode(), "application/json", signature)
    except Exception:  # noqa: BLE001 - whatever it says against it
        return False
    return True


def test_a_conversation_is_its_own_body():
    """A model that takes messages takes them as the whole body, with its params beside them."""
    messages = {"type": "array", "items": {"type": "object", "properties": {"role": {"type": "string"}}}}
    signature = signature_of([{**messages, "name": "messages", "required": True}], [])
    api = document(signature)

    assert accepts(api, {"messages": [{"role": "user"}]})
    assert not accepts(api, {"messages": "hello"})


@pytest.mark.parametrize(
    ("hint", "body", "is_valid"),
    [
        ([{"type": "string", "required": True}], {"inputs": ["text"]}, True),
        ([{"type": "string", "required": True}], {"inputs": [1]}, False),
        ([{"type": "string", "required": True}], {"dataframe_split": {"data": [["text"]]}}, False),
        (ROOMS, {"inputs": [1]}, True),
    ],
)
def test_a_type_hint_takes_inputs_alone(hint, body, is_valid):
    """A model with a type hint takes one format; what several columns stand for is the model's to say."""
    api = document(signature_of(hint, [], is_signature_from_type_hint=True))

    assert accepts(api, body) == is_valid


def test_pictures_have_no_example():
    """A tensor too large to be looked at has schemas, and no example."""
    picture = {"dtype": "float32", "shape": [-1, 3, 224, 224]}
    api = document(signature_of([{"type": "tensor", "name": "picture", "tensor-spec": picture}], []))

    OpenAPIV31SpecValidator(api).validate()
    assert "example" not in scoring(api)
    infer = api["paths"]["/v2/models/iris/infer"]["post"]["requestBody"]["content"]["application/json"]
    assert "example" not in infer


def test_agents_say_what_they_are():
    """An agent has one path more, which says what kind of agent it is."""
    assert "/agent/info" in document(None, metadata={"task": "agent/v1/responses"})["paths"]
    assert "/agent/info" not in document(None)["paths"]


@pytest.mark.parametrize("name", ["a/b", "{name}", "ü <script>", "a?b#c"])
def test_the_name_of_a_model_is_one_part_of_its_paths(name):
    """Names are quoted in paths: braces are no parameters, slashes no further parts."""
    api = document(None, Identity(name, "1/2", "mlflow_sklearn"))
    OpenAPIV31SpecValidator(api).validate()

    (path,) = (path for path in api["paths"] if path.endswith("/infer") and "/versions/" in path)
    assert path.count("/") == 6
    assert not set("{}?#<") & set(path)


def test_keys_are_asked_for_where_they_are(tmp_path):
    """With API keys, all paths but probes need one, in one of two places, and may answer 401."""
    keys = tmp_path / "keys"
    keys.write_text("first-key-0123456789\n")
    api = document(None, keys=keys)
    OpenAPIV31SpecValidator(api).validate()

    assert api["security"] == [{"bearer": []}, {"header": []}]
    open_paths = {path for path, item in api["paths"].items() if item.get("get", {}).get("security") == []}
    assert open_paths == {"/ping", "/health", "/v2/health/live", "/v2/health/ready"}
    assert "401" in api["paths"]["/invocations"]["post"]["responses"]


def test_streams_are_described_where_the_model_has_them():
    """Only a model that answers in parts has paths and media types of streams."""
    flavors = {"python_function": {"loader_module": "m", "streamable": True}}

    def media_types(api: dict[str, Any]) -> set[str]:
        return set(api["paths"]["/invocations"]["post"]["responses"]["200"]["content"])

    assert media_types(document(None)) == {"application/json"}
    assert media_types(document(None, flavors=flavors)) == {"application/json", "text/event-stream"}
    assert "/v2/models/iris/infer_stream" in document(None, flavors=flavors)["paths"]
