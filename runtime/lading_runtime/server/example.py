"""A request that the model answers: its input example, cut to a few rows, or one made up by its signature."""

from __future__ import annotations

from typing import Any

import orjson

from lading_runtime.protocol.open_inference.datatypes import BYTES, NESTED
from lading_runtime.protocol.open_inference.metadata import Declared, declared_inputs
from lading_runtime.schema.sample import sample_of, sample_of_tensor
from lading_runtime.schema.signature import Signature
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns
from lading_runtime.server.model import ServedModel
from lading_runtime.server.proof import example_of

Json = dict[str, Any]

MAX_ROWS = 5
MAX_BYTES = 1 << 16
"""Of an example that is to be looked at; a larger one is left out."""

ROWS_OF = ("dataframe_records", "instances", "inputs")


def example_body(model: ServedModel, signature: Signature | None) -> Json | None:
    """Return the body of a request, or None if there is none that can be looked at."""
    logged = _logged(model, signature)
    body = made_up(signature) if logged is None else logged
    return None if body is None or len(orjson.dumps(body)) > MAX_BYTES else body


def _logged(model: ServedModel, signature: Signature | None) -> Json | None:
    """Return the model's input example, or None if there is none that is JSON."""
    try:
        body = orjson.loads(example_of(model) or b"")
    except orjson.JSONDecodeError:
        return None
    return _cut(body, has_free_length(signature)) if isinstance(body, dict) else None


def has_free_length(signature: Signature | None) -> bool:
    """Tell whether a request may have any number of rows."""
    inputs = None if signature is None else signature.inputs
    return not isinstance(inputs, TensorSchema) or all(tensor.shape[:1] == (-1,) for tensor in inputs.tensors)


def _cut(body: Json, is_free: bool) -> Json:  # noqa: FBT001 - private
    """Return *body* with its first rows."""
    split = body.get("dataframe_split")
    if isinstance(split, dict):
        shorter = {key: _first(value) if key in ("data", "index") else value for key, value in split.items()}
        return {**body, "dataframe_split": shorter}
    return {key: _first(value) if key in ROWS_OF and is_free else value for key, value in body.items()}


def _first(value: Any) -> Any:
    """Return the first rows of a list, or of the columns of an object; all if they are something else."""
    if isinstance(value, dict) and value and all(isinstance(cells, list) for cells in value.values()):
        return {name: cells[:MAX_ROWS] for name, cells in value.items()}
    return value[:MAX_ROWS] if isinstance(value, list) else value


def made_up(signature: Signature | None) -> Json | None:
    """Return a body that fits *signature*, with one row; without one, nobody knows what the model takes."""
    inputs = None if signature is None else signature.inputs
    if signature is None or inputs is None:
        return None
    if isinstance(inputs, TensorSchema):
        arrays = {str(tensor.name): sample_of_tensor(tensor) for tensor in inputs.tensors}
        if None in arrays.values():
            return None
        return {"inputs": arrays if inputs.is_named else next(iter(arrays.values()))}
    if signature.is_from_type_hint:
        return {"inputs": [sample_of(inputs.fields[0].type)]} if len(inputs.fields) == 1 else None
    required = [field for field in inputs.fields if field.is_required] or list(inputs.fields)
    data = [[sample_of(field.type) for field in required]]
    if isinstance(inputs, UnnamedColumns):
        return {"dataframe_split": {"data": data}}
    return {"dataframe_split": {"columns": [field.name for field in required], "data": data}}


def inference_example(signature: Signature | None) -> Json | None:
    """Return a request of the Open Inference Protocol, with one row, or None if none can be made up."""
    inputs = None if signature is None else signature.inputs
    declared = declared_inputs(signature)
    if inputs is None:
        return None
    if not isinstance(inputs, TensorSchema):
        columns = zip(declared, (sample_of(field.type) for field in inputs.fields))
        return {"inputs": [_column(column, cell) for column, cell in columns]}
    arrays = [sample_of_tensor(tensor) for tensor in inputs.tensors]
    if None in arrays:
        return None
    return {"inputs": [_tensor(tensor, array) for tensor, array in zip(declared, arrays)]}


def _column(column: Declared, cell: Any) -> Json:
    if column.form == NESTED:
        cell = orjson.dumps(cell).decode()
    tensor = {"name": column.name, "shape": [1, 1], "datatype": column.datatype, "data": [cell]}
    is_text = column.datatype == BYTES
    return {**tensor, "parameters": {"content_type": column.form.content_type}} if is_text else tensor


def _tensor(tensor: Declared, array: Any) -> Json:
    shape = [1 if length < 0 else length for length in tensor.shape]
    return {"name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": array}
