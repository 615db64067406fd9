"""Types of a signature → JSON Schema (draft 2020-12, which OpenAPI 3.1 speaks).

What is said is what clients should send. The server takes more: all that MLflow takes, such as numbers
as texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lading_runtime.schema.datatypes import Array, DataType, Map, Object, Scalar, Tensor
from lading_runtime.schema.params import Param
from lading_runtime.schema.reading import Field

Json = dict[str, Any]

SCALARS: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "description": "ISO 8601; UTC where it names no offset"},
}

MAY_BE_MISSING = frozenset({"boolean", "float", "double", "string", "datetime"})
"""Types of columns with null cells: None, NaN or NaT to the model. There is none among integers."""

INTEGERS: dict[str, Json] = {
    name: {"type": "integer", "format": name, "minimum": low, "maximum": high}
    for bits in (8, 16, 32, 64)
    for name, low, high in (
        (f"int{bits}", -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
        (f"uint{bits}", 0, 2**bits - 1),
    )
}


def schema_of(data_type: DataType) -> Json:
    """Return the schema of a value of *data_type*, which is there."""
    if isinstance(data_type, Scalar):
        return SCALARS[data_type.name]
    if isinstance(data_type, Array):
        return {"type": "array", "items": schema_of(data_type.items)}
    if isinstance(data_type, Map):
        return {"type": "object", "additionalProperties": schema_of(data_type.values)}
    if isinstance(data_type, Object):
        members = {
            item.name: _member(item.type, is_required=item.is_required) for item in data_type.properties
        }
        required = [item.name for item in data_type.properties if item.is_required]
        return {"type": "object", "properties": members, "required": required, "additionalProperties": False}
    return {}


def schema_of_cell(field: Field) -> Json:
    """Return the schema of a cell of a column."""
    if isinstance(field.type, Scalar):
        return _member(field.type, is_required=field.type.name not in MAY_BE_MISSING)
    return _member(field.type, is_required=field.is_required)


def schema_of_row(fields: Iterable[Field]) -> Json:
    """Return the schema of a row with names."""
    fields = list(fields)
    return {
        "type": "object",
        "properties": {str(field.name): schema_of_cell(field) for field in fields},
        "required": [str(field.name) for field in fields if field.is_required],
    }


def schema_of_param(param: Param) -> Json:
    """Return the schema of a parameter."""
    single = schema_of(param.type)
    schema = {"type": "array", "items": or_null(single)} if param.is_list else or_null(single)
    return {**schema, "default": param.default}


def schema_of_tensor(tensor: Tensor) -> Json:
    """Return the schema of an array: lists in lists, one for each dimension."""
    schema = _schema_of_element(tensor.dtype)
    for length in reversed(tensor.shape):
        size = {} if length < 0 else {"minItems": length, "maxItems": length}
        schema = {"type": "array", "items": schema, **size}
    return {**schema, "description": f"{tensor.dtype}, shape {list(tensor.shape)}"}


def _schema_of_element(dtype: str) -> Json:
    if dtype in INTEGERS:
        return INTEGERS[dtype]
    if dtype == "bool":
        return {"type": "boolean"}
    if dtype.startswith("float"):
        return {"type": ["number", "null"]}
    return {"type": "string"} if dtype.startswith(("str", "<U")) else {}


def _member(data_type: DataType, *, is_required: bool) -> Json:
    """Return the schema of a value that may be null if it *is_required* not to be missing."""
    schema = schema_of(data_type)
    return schema if is_required else or_null(schema)


def or_null(schema: Json) -> Json:
    """Return the schema of a value that may also be null."""
    return {**schema, "type": [schema["type"], "null"]} if schema else schema
