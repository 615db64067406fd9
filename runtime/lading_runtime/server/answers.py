"""Payloads → messages to the model process, and its answers → values or the errors that they say."""

from __future__ import annotations

from typing import Any

from lading_runtime.errors import (
    MalformedBody,
    ModelError,
    ModelProcessLost,
    OutputError,
    ReportedError,
    RequestError,
    SchemaViolation,
    ScoringError,
    Unsplittable,
    UnsupportedMediaType,
)
from lading_runtime.payload import Payload
from lading_runtime.wire import Header, Message

UNEXPECTED = (
    "Encountered an unexpected error while evaluating the model. Verify that the serialized input"
    " Dataframe is compatible with the model for inference."
)
"""What MLflow says of every error of a model; the model's own words may repeat the payload."""

EXITING = "the model tried to end its process"
"""Not its words either: ``SystemExit`` brings any text."""

REFUSALS: dict[object, type[RequestError]] = {
    "payload": MalformedBody,
    "schema": SchemaViolation,
    "format": UnsupportedMediaType,
}
"""Whose fault it is when the model was not asked."""

UNUSABLE: dict[object, type[ScoringError]] = {"output": OutputError, "rows": Unsplittable}
"""What is wrong with a prediction that the model gave."""


def request(number: int, payload: Payload, *, is_streamed: bool) -> Message:
    """Return the message that asks for a prediction of *payload*, at once or in parts."""
    header = {
        "kind": "predict",
        "id": number,
        "payload": payload.data,
        "params": payload.params,
        "stream": is_streamed,
    }
    if payload.rows is not None:
        header["rows"] = payload.rows
    return Message(header, payload.buffers)


def cancellation(number: int) -> Message:
    """Return the message that nobody wants the rest of a streamed answer."""
    return Message({"kind": "cancel", "id": number})


def is_last(header: Header) -> bool:
    """Tell whether nothing more will be said about a payload."""
    return header.get("kind") != "chunk"


def value_of(header: Header) -> dict[str, Any]:
    """Return the value that an answer brings.

    Raises:
        ScoringError: it brings an error.
    """
    value: dict[str, Any] | None = header.get("value")
    if value is None:
        raise error_in(header)
    return value


def error_in(header: Header) -> ScoringError:
    """Return the error that a model process reports; ``source`` says whose fault it is."""
    found = header.get("error")
    error = (
        {name: str(text) for name, text in found.items() if text is not None}
        if isinstance(found, dict)
        else {}
    )
    source, message = error.get("source"), error.get("message", "")
    if source in REFUSALS:
        return REFUSALS[source](message)
    if source == "model":
        return ModelError(UNEXPECTED, error.get("stack_trace"))
    if source == "mlflow":
        code = error.get("error_code") or "INTERNAL_ERROR"
        return ReportedError(message, code, error.get("sqlstate"), error.get("error_class"))
    if source == "exit":
        return ModelProcessLost(EXITING)
    if source in UNUSABLE:
        return UNUSABLE[source](message)
    return ModelProcessLost(message or "the model process gave no answer")
