"""Paths for operators in the OpenAPI document."""

from __future__ import annotations

from lading_runtime.protocol.body_schemas import reference
from lading_runtime.server.card import Json, Served

OPERATION = "Operation"

TEXT = {"text/plain": {"schema": {"type": "string"}}}
BLANK: Json = {"application/json": {}}
"""Answers to probes are a line break, as MLflow's are, and that is called JSON there."""


def probe_paths(served: Served) -> dict[str, Json]:
    """Return the paths of probes, versions and metrics."""
    not_ready = {"503": _answer("It would not.", {"application/json": {"schema": reference("Error")}})}
    reason = {"application/json": {"schema": {"type": "object"}}}
    # What asks whether a container lives can often not be given a secret.
    is_open: Json = {"security": []}
    has_keys = served.settings.exposure.api_key_file is not None
    ping = _get("ping", "Ready?", {"200": _answer("A request would be answered now.", BLANK), **not_ready})
    health = _get(
        "health", "Alive?", {"200": _answer("It is; the reason, if no model could be loaded.", reason)}
    )
    versions = {"application/json": {"schema": _versions()}, **TEXT}
    paths = {
        "/ping": {**ping, **(is_open if has_keys else {})},
        "/health": {**health, **(is_open if has_keys else {})},
        "/version": _get("version", "Versions", {"200": _answer("Of server and model.", versions)}),
        "/metrics": _get("metrics", "Numbers for Prometheus", {"200": _answer("Of all workers.", TEXT)}),
        "/openapi.json": _get("openapi", "This document", {"200": _answer("OpenAPI 3.1.", reason)}),
    }
    if served.model.agent is not None:
        paths["/agent/info"] = _get("agent_info", "What kind of agent", {"200": _answer("Its task.", reason)})
    return {path: {"get": operation} for path, operation in paths.items()}


def _get(name: str, summary: str, answers: Json) -> Json:
    return {"tags": [OPERATION], "operationId": name, "summary": summary, "responses": answers}


def _answer(description: str, content: Json) -> Json:
    return {"description": description, "content": content}


def _versions() -> Json:
    texts = {name: {"type": ["string", "null"]} for name in ("lading_runtime", "mlflow", "python")}
    return {"type": "object", "properties": {**texts, "model": {"type": "object"}}}
