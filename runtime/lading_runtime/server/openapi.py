"""The OpenAPI document of a server: the paths that it answers, in the words of its model's signature.

Those that a hosting platform asks for are left out: the platform calls them, and documents them.
"""

from __future__ import annotations

from typing import Any

from lading_runtime.protocol.body_schemas import (
    prediction_schema,
    reference,
    request_formats,
    request_schemas,
)
from lading_runtime.protocol.decode import NO_SIGNATURE
from lading_runtime.protocol.media_types import MediaType
from lading_runtime.server.card import Json, Served, card_of
from lading_runtime.server.example import example_body
from lading_runtime.server.openapi_inference import inference_paths, inference_schemas
from lading_runtime.server.openapi_probes import probe_paths
from lading_runtime.server.problems import PROBLEMS

VERSION = "3.1.0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCORING = "Scoring"

COLUMNAR = (MediaType.PARQUET, MediaType.ARROW_STREAM, MediaType.ARROW_FILE)

ERRORS = {
    400: "The request does not fit the model, or the model raises.",
    401: "No API key, or a wrong one.",
    413: "The body is too large.",
    415: "The body's media type is none that the server reads.",
    500: "The model process failed, or predicted what cannot be said.",
    503: "Not ready, or too busy; Retry-After says when to come again.",
    504: "Not answered within the request timeout.",
}

HEADERS = {
    "RequestTimeout": {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds that the client waits; never more than the server's own timeout.",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Comes back with the answer and stands in the server's log.",
        "schema": {"type": "string", "maxLength": 128},
    },
}

KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def openapi_document(served: Served, scoring: list[str]) -> Json:
    """Return the document of a server that answers scoring requests at all paths of *scoring*."""
    example = example_body(served.model, served.signature)
    has_keys = served.settings.exposure.api_key_file is not None
    return {
        "openapi": VERSION,
        "jsonSchemaDialect": DIALECT,
        "info": _info(served),
        "servers": [{"url": "."}],
        **({"security": [{name: []} for name in KEYS]} if has_keys else {}),
        "tags": [{"name": name} for name in (SCORING, "Operation", "Open Inference Protocol")],
        "paths": {
            **{path: {"post": _scoring(served, path, example)} for path in scoring},
            **probe_paths(served),
            **inference_paths(served),
        },
        "components": {
            "schemas": {**_schemas(served), **inference_schemas(served)},
            "parameters": HEADERS,
            **({"securitySchemes": KEYS} if has_keys else {}),
        },
        "x-lading": card_of(served, scoring[0], example),
    }


def _info(served: Served) -> Json:
    flavors = ", ".join(name for name in served.model.mlmodel["flavors"] if name != "python_function")
    return {
        "title": served.identity.name,
        "version": served.identity.version,
        "summary": f"An MLflow model ({flavors or 'python_function'}), served by Lading",
    }


def _schemas(served: Served) -> dict[str, Json]:
    signature = served.signature or NO_SIGNATURE
    problem: Json = {
        name: {"type": "string"} for name in ("message", "sqlstate", "error_class", "stack_trace")
    }
    codes = sorted({problem.error_code for problem in PROBLEMS.values()})
    return {
        **request_schemas(signature),
        "Prediction": prediction_schema(signature.outputs),
        "Error": {
            "type": "object",
            "properties": {"error_code": {"type": "string", "examples": codes}, **problem},
            "required": ["error_code", "message"],
        },
    }


def _scoring(served: Served, path: str, example: Json | None) -> Json:
    answers: dict[str, Any] = {"200": _prediction(served)}
    answers |= {str(status): _error(text) for status, text in ERRORS.items() if _may_be(status, served)}
    return {
        "tags": [SCORING],
        "operationId": f"score{path.replace('/', '_')}",
        "summary": "Predict",
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS],
        "requestBody": {"required": True, "content": _bodies(served, example)},
        "responses": answers,
    }


def _may_be(status: int, served: Served) -> bool:
    return status != 401 or served.settings.exposure.api_key_file is not None  # noqa: PLR2004 - Unauthorized


def _bodies(served: Served, example: Json | None) -> Json:
    formats = request_formats(served.signature or NO_SIGNATURE)
    schema = {"oneOf": [reference(name) for name in formats]} if len(formats) > 1 else reference(formats[0])
    as_json = {"schema": schema, **({} if example is None else {"example": example})}
    table: Json = {media_type.value: {"schema": {}} for media_type in COLUMNAR}
    return {MediaType.JSON.value: as_json, MediaType.CSV.value: {"schema": {"type": "string"}}, **table}


def _prediction(served: Served) -> Json:
    wrapped = {
        "type": "object",
        "properties": {"predictions": reference("Prediction")},
        "required": ["predictions"],
    }
    formats = request_formats(served.signature or NO_SIGNATURE)
    # Bodies that are themselves the input are answered with the prediction alone.
    schema = {"anyOf": [wrapped, reference("Prediction")]} if "Conversation" in formats else wrapped
    content: Json = {"application/json": {"schema": schema}}
    if served.model.is_streamable:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    return {"description": "The prediction; NaN and infinity are null.", "content": content}


def _error(text: str) -> Json:
    return {"description": text, "content": {"application/json": {"schema": reference("Error")}}}
