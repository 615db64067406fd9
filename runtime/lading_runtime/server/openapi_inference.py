"""Paths of the Open Inference Protocol in the OpenAPI document."""

from __future__ import annotations

from urllib.parse import quote

from lading_runtime.protocol.body_schemas import reference
from lading_runtime.protocol.open_inference.datatypes import BYTES, NUMPY_NAMES
from lading_runtime.protocol.open_inference.metadata import Declared, declared_inputs
from lading_runtime.server.card import Json, Served
from lading_runtime.server.example import inference_example

PROTOCOL = "Open Inference Protocol"

STATUSES = {
    "400": "The request does not fit the model.",
    "500": "The model raises, or its process failed.",
    "503": "Not ready, or too busy.",
    "504": "Not answered within the request timeout.",
}


def inference_paths(served: Served) -> dict[str, Json]:
    """Return the paths of the protocol; the model's name and version stand in them as they are."""
    # Braces would be parameters (OpenAPI 3.1, section 4.8.8.1); slashes are no part of a name in a path.
    name, version = (quote(text, safe="") for text in (served.identity.name, served.identity.version))
    model = f"/v2/models/{name}"
    versioned = f"{model}/versions/{version}"
    has_keys = served.settings.exposure.api_key_file is not None
    is_open: Json = {"security": []} if has_keys else {}
    infer = _infer(served)
    return {
        "/v2": {"get": _get("server_metadata", "The server and its extensions")},
        "/v2/health/live": {"get": {**_get("server_live", "Alive?"), **is_open}},
        "/v2/health/ready": {"get": {**_get("server_ready", "Ready?"), **is_open}},
        "/v2/models": {"get": _get("models", "The models: one")},
        model: {"get": _get("model_metadata", "The model's inputs and outputs")},
        f"{model}/ready": {"get": _get("model_ready", "Is the model ready?")},
        f"{model}/config": {"get": _get("model_config", "The model's configuration, as Triton says it")},
        f"{model}/stats": {"get": _get("model_stats", "How often, and how long")},
        f"{model}/infer": {"post": {**infer, "operationId": "infer"}},
        **({f"{model}/infer_stream": {"post": _stream(infer)}} if served.model.is_streamable else {}),
        versioned: {"get": _get("version_metadata", "The same of this version")},
        f"{versioned}/ready": {"get": _get("version_ready", "Is this version ready?")},
        f"{versioned}/infer": {"post": {**infer, "operationId": "version_infer"}},
    }


def inference_schemas(served: Served) -> dict[str, Json]:
    """Return the schemas that the paths refer to."""
    inputs = declared_inputs(served.signature)
    request = {
        "id": {"type": "string"},
        "parameters": {"type": "object"},
        "inputs": {"type": "array", "items": _one_of(inputs)},
        "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    }
    answer = {
        "model_name": {"const": served.identity.name},
        "model_version": {"const": served.identity.version},
        "id": {"type": "string"},
        "outputs": {"type": "array", "items": reference("Tensor")},
    }
    return {
        "InferenceRequest": {"type": "object", "properties": request, "required": ["inputs"]},
        "InferenceResponse": {"type": "object", "properties": answer, "required": ["model_name", "outputs"]},
        "InferenceError": {
            "type": "object",
            "properties": {"error": {"type": "string"}},
            "required": ["error"],
        },
        "Tensor": _tensor_schema(),
    }


def _tensor_schema() -> Json:
    members = {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"enum": [*NUMPY_NAMES, BYTES]},
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    }
    return {"type": "object", "properties": members, "required": ["name", "shape", "datatype"]}


def _one_of(declared: tuple[Declared, ...]) -> Json:
    """Return the schema of a tensor that has one of the declared names, and what is declared of each."""
    if not declared:
        return reference("Tensor")
    names = {"enum": [item.name for item in declared]}
    texts = "; ".join(f"{item.name}: {item.datatype}, shape {list(item.shape)}" for item in declared)
    return {"allOf": [reference("Tensor")], "properties": {"name": names}, "description": texts}


def _get(name: str, summary: str) -> Json:
    content = {"application/json": {"schema": {"type": "object"}}}
    answers = {"200": {"description": summary, "content": content}}
    return {"tags": [PROTOCOL], "operationId": name, "summary": summary, "responses": answers}


def _infer(served: Served) -> Json:
    example = inference_example(served.signature)
    body = {"schema": reference("InferenceRequest"), **({} if example is None else {"example": example})}
    errors = {
        status: {
            "description": text,
            "content": {"application/json": {"schema": reference("InferenceError")}},
        }
        for status, text in STATUSES.items()
    }
    answer = {"application/json": {"schema": reference("InferenceResponse")}}
    return {
        "tags": [PROTOCOL],
        "summary": "Predict; with the binary extension, too",
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"200": {"description": "The model's outputs.", "content": answer}, **errors},
    }


def _stream(infer: Json) -> Json:
    """Return the operation whose answer comes in parts."""
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    answers = {**infer["responses"], "200": {"description": "An answer for each part.", "content": events}}
    return {**infer, "operationId": "infer_stream", "summary": "Predict, in parts", "responses": answers}
