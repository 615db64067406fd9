"""What the page shows of the model, and makes its form of: in the OpenAPI document, as ``x-lading``."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any, NamedTuple

from lading_runtime import __version__
from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.schema.datatypes import Array, Column, Map, Object, Tensor
from lading_runtime.schema.signature import Signature
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns
from lading_runtime.server.model import ServedModel
from lading_runtime.server.settings import Settings

Json = dict[str, Any]


class Served(NamedTuple):
    """What a server serves, and how."""

    model: ServedModel
    signature: Signature | None
    identity: Identity
    settings: Settings


def card_of(served: Served, scoring: str, example: Json | None) -> Json:
    """Return what a page says of the model that answers at *scoring*, and an example of what to ask it."""
    return {
        "model": facts_of(served),
        "inputs": _inputs(served.signature),
        "outputs": _fields(() if served.signature is None else served.signature.outputs),
        "params": _params(served.signature),
        "scoring": scoring,
        "example": example,
    }


def facts_of(served: Served) -> Json:
    """Return names and versions."""
    facts = served.model.facts()
    return {
        "name": served.identity.name,
        "version": served.identity.version,
        **{name: facts[name] for name in ("flavors", "run_id", "model_id", "model_uuid", "created")},
        "mlflow": served.model.mlflow_version,
        "python": facts["python"],
        "lading_runtime": __version__,
        "server_python": platform.python_version(),
    }


def _inputs(signature: Signature | None) -> Json:
    """Return the fields of the model's input, and what kind of fields they are."""
    inputs = None if signature is None else signature.inputs
    if signature is None or inputs is None:
        return {"kind": "anything", "fields": []}
    if isinstance(inputs, TensorSchema):
        return {"kind": "tensors", "fields": _fields(inputs.tensors)}
    has_names = not isinstance(inputs, UnnamedColumns)
    columns = (
        Column(field.name if has_names else None, field.type, field.is_required) for field in inputs.fields
    )
    kind = "named columns" if has_names else "columns"
    return {"kind": "type hint" if signature.is_from_type_hint else kind, "fields": _fields(columns)}


def _fields(fields: Iterable[Column | Tensor]) -> list[Json]:
    return [_tensor(field) if isinstance(field, Tensor) else _column(field) for field in fields]


def _column(column: Column) -> Json:
    is_json = isinstance(column.type, (Array, Map, Object))
    return {
        "name": column.name,
        "type": str(column.type),
        "required": column.is_required,
        "is_json": is_json or str(column.type) == "Any",
    }


def _tensor(tensor: Tensor) -> Json:
    shape = ", ".join("any" if length < 0 else str(length) for length in tensor.shape)
    return {"name": tensor.name, "type": f"{tensor.dtype} ({shape})", "required": True, "is_json": True}


def _params(signature: Signature | None) -> list[Json]:
    if signature is None or signature.params is None:
        return []
    return [
        {
            "name": param.name,
            "type": f"list of {param.type}" if param.is_list else str(param.type),
            "default": param.default,
            "is_json": param.is_list or isinstance(param.type, Object),
        }
        for param in signature.params.params
    ]
