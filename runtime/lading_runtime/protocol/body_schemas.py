"""What requests and predictions look like for a model, as JSON Schemas that refer to each other by name."""

from __future__ import annotations

from collections.abc import Iterable

from lading_runtime.protocol.decode import LLM_KEYS
from lading_runtime.schema.datatypes import Column, Tensor
from lading_runtime.schema.json_schema import (
    Json,
    or_null,
    schema_of,
    schema_of_cell,
    schema_of_param,
    schema_of_row,
    schema_of_tensor,
)
from lading_runtime.schema.named_columns import NamedColumns
from lading_runtime.schema.signature import Inputs, Signature
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns

LISTS: Json = {"type": "array"}
LABELS: Json = {"type": "array", "items": {"type": ["string", "number"]}}

TEXTS = {
    "DataframeSplit": "A table: the names of its columns, then its rows.",
    "DataframeRecords": "A table: a list of rows, each of them an object.",
    "Instances": "Rows, as TensorFlow Serving takes them.",
    "Inputs": "Columns or tensors, as TensorFlow Serving takes them.",
    "Conversation": "A body that is itself the input.",
}


def reference(name: str) -> Json:
    """Return a schema that is the one of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def request_formats(signature: Signature) -> list[str]:
    """Return the names of the formats in which a request can be said in JSON."""
    if signature.is_from_type_hint:
        return ["Inputs"]
    formats = ["DataframeSplit", "DataframeRecords", "Instances", "Inputs"]
    return [*formats, "Conversation"] if _may_converse(signature.inputs) else formats


def request_schemas(signature: Signature) -> dict[str, Json]:
    """Return the schemas of requests, by name: that of each format, and what they refer to."""
    inputs = signature.inputs
    schemas: dict[str, Json] = {}
    if isinstance(inputs, NamedColumns):
        schemas["Row"] = schema_of_row(inputs.fields)
        schemas["Columns"] = _columns(schemas["Row"])
    if signature.params is not None:
        params = {param.name: schema_of_param(param) for param in signature.params.params}
        schemas["Params"] = {"type": "object", "properties": params}
    formats = {
        "DataframeSplit": ("dataframe_split", _split(inputs)),
        "DataframeRecords": ("dataframe_records", _records(inputs)),
        "Instances": ("instances", _instances(inputs)),
        "Inputs": ("inputs", _inputs(signature)),
    }
    for name in request_formats(signature):
        body = _conversation(inputs) if name == "Conversation" else _body(*formats[name], signature)
        schemas[name] = {"description": TEXTS[name], **body}
    return schemas


def prediction_schema(outputs: Iterable[Column | Tensor]) -> Json:
    """Return the schema of a prediction, as far as the signature says it: MLflow holds no model to that."""
    outputs = list(outputs)
    if not outputs:
        return {}
    if outputs[0].name is None:
        only = outputs[0]
        return schema_of_tensor(only) if isinstance(only, Tensor) else {"description": f"{only.type}"}
    members = {str(item.name): _schema_of_output(item) for item in outputs}
    rows = {"items": {"properties": members}}
    return {"type": ["array", "object"], "properties": members, **rows, "description": "rows, or one"}


def _schema_of_output(item: Column | Tensor) -> Json:
    return schema_of_tensor(item) if isinstance(item, Tensor) else or_null(schema_of(item.type))


def _may_converse(inputs: Inputs | None) -> bool:
    if inputs is None:
        return True
    return isinstance(inputs, NamedColumns) and not LLM_KEYS.isdisjoint(field.name for field in inputs.fields)


def _body(key: str, schema: Json, signature: Signature) -> Json:
    members = {key: schema}
    if signature.params is not None:
        members["params"] = reference("Params")
    return {"type": "object", "properties": members, "required": [key]}


def _conversation(inputs: Inputs | None) -> Json:
    body: Json = {"type": "object", "anyOf": [{"required": [name]} for name in sorted(LLM_KEYS)]}
    return body if inputs is None else {**body, "allOf": [reference("Row")]}


def _split(inputs: Inputs | None) -> Json:
    columns: Json = LABELS
    row: Json = {}
    needed = ["data"]
    if isinstance(inputs, NamedColumns):
        present = [{"contains": {"const": field.name}} for field in inputs.fields if field.is_required]
        row, columns = _positional_row(inputs), {**LABELS, "allOf": present} if present else LABELS
        needed = ["columns", "data"]
    elif isinstance(inputs, UnnamedColumns):
        row = _unnamed_row(inputs)
    members = {"columns": columns, "index": LISTS, "data": {"type": "array", "items": row}}
    return {"type": "object", "properties": members, "required": needed, "additionalProperties": False}


def _positional_row(inputs: NamedColumns) -> Json:
    """Return the schema of a row whose cells are in the order that the request says."""
    cells: list[Json] = []
    for cell in map(schema_of_cell, inputs.fields):
        if cell not in cells:
            cells.append(cell)
    return {"type": "array", "items": {"anyOf": cells} if len(cells) > 1 else cells[0]}


def _records(inputs: Inputs | None) -> Json:
    row = reference("Row") if isinstance(inputs, NamedColumns) else {"type": "object"}
    return {"type": "array", "items": row}


def _instances(inputs: Inputs | None) -> Json:
    if isinstance(inputs, TensorSchema) and inputs.is_named:
        rows = {str(tensor.name): _row_of(tensor) for tensor in inputs.tensors}
        row = {"type": "object", "properties": rows, "required": list(rows)}
        return {"anyOf": [{"type": "array", "items": row}, _tensors(inputs)]}
    return _values(inputs)


def _inputs(signature: Signature) -> Json:
    inputs = signature.inputs
    if signature.is_from_type_hint:
        return {"type": "array", "items": _hinted(inputs)}
    if isinstance(inputs, TensorSchema) and inputs.is_named:
        return _tensors(inputs)
    return _values(inputs)


def _hinted(inputs: Inputs | None) -> Json:
    """Return the schema of an item for a type hint, which the model itself checks."""
    if inputs is None or isinstance(inputs, TensorSchema) or len(inputs.fields) > 1:
        return {}
    return schema_of(inputs.fields[0].type)


def _values(inputs: Inputs | None) -> Json:
    """Return the schema of what may stand in both ``inputs`` and ``instances``."""
    if isinstance(inputs, TensorSchema):
        return schema_of_tensor(inputs.tensors[0])
    if isinstance(inputs, UnnamedColumns):
        cell = schema_of_cell(inputs.fields[0])
        rows = {"type": "array", "items": _unnamed_row(inputs)}
        return {"anyOf": [rows, {"type": "array", "items": cell}]} if len(inputs.fields) == 1 else rows
    if inputs is None:
        return {}
    forms: list[Json] = [{"type": "array", "items": reference("Row")}]
    if len(inputs.fields) == 1:
        forms.append({"type": "array", "items": schema_of_cell(inputs.fields[0])})
    if not any(field.is_list_like for field in inputs.fields):
        forms.append(reference("Columns"))
    return {"anyOf": [*forms, reference("Row")]}


def _columns(row: Json) -> Json:
    """Return the schema of rows like *row*, column by column."""
    columns = {name: {"type": "array", "items": cell} for name, cell in row["properties"].items()}
    return {**row, "properties": columns}


def _unnamed_row(inputs: UnnamedColumns) -> Json:
    cells = [schema_of_cell(field) for field in inputs.fields]
    return {"type": "array", "prefixItems": cells, "minItems": len(cells)}


def _tensors(inputs: TensorSchema) -> Json:
    tensors = {str(tensor.name): schema_of_tensor(tensor) for tensor in inputs.tensors}
    return {"type": "object", "properties": tensors, "required": list(tensors)}


def _row_of(tensor: Tensor) -> Json:
    return schema_of_tensor(Tensor(tensor.name, tensor.dtype, tensor.shape[1:]))
