"""A request's body to a payload: the formats of MLflow's scoring server (``invocations``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lading_runtime.errors import MalformedBody, TypeHintViolation
from lading_runtime.payload import Buffers, Node, Payload
from lading_runtime.protocol.columnar import decode_columnar
from lading_runtime.protocol.csv_text import check_gaps_of_csv, decode_csv, table_of_csv
from lading_runtime.protocol.dataframes import (
    check_gaps_of_frame,
    check_records,
    check_split,
    table_of_records,
    table_of_split,
)
from lading_runtime.protocol.json_text import read_json
from lading_runtime.protocol.media_types import MediaType, read_media_type
from lading_runtime.schema.cells import dump, json_type
from lading_runtime.schema.csv_columns import dtypes_by_label
from lading_runtime.schema.named_columns import NamedColumns
from lading_runtime.schema.params import ParamSchema
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.signature import Inputs, Signature

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
LLM_KEYS = frozenset({"messages", "prompt", "input"})
"""Any of these makes the whole body the model's input (``is_unified_llm_input``)."""

STREAM = "stream"
NO_SIGNATURE = Signature()


def decode(
    body: bytes, content_type: str | None, signature: Signature | None, *, is_streamable: bool = False
) -> Payload:
    """Return what *body* asks of a model with *signature*.

    Of a model that *is_streamable*, ``"stream": true`` asks for an answer in parts, and is no part of its
    input: so it is for MLflow's agent server. To its scoring server it means nothing, and stays.

    Raises:
        UnsupportedMediaType: *content_type* names none that we read.
        MalformedBody: the body is not what its type says, or in no known format.
        SchemaViolation: the data do not fit the signature.
        TypeHintViolation: they are not where a type hint looks for them.
        InvalidParams: the params do not fit the signature.
    """
    media_type = read_media_type(content_type)
    signature = signature or NO_SIGNATURE
    try:
        if media_type is MediaType.JSON:
            return _decode_json(body, signature, is_streamable=is_streamable)
        if media_type is MediaType.CSV:
            return _decode_csv(body, signature)
        return _decode_columnar(body, media_type, signature)
    except Unreadable as problem:
        raise MalformedBody(str(problem)) from problem
    except RecursionError as error:
        raise MalformedBody("the body is nested too deep") from error


# --- JSON ---


def _decode_json(body: bytes, signature: Signature, *, is_streamable: bool) -> Payload:
    document = read_json(body, is_exact=signature.keeps_values)
    if not isinstance(document, dict):
        raise MalformedBody(
            f"the body must be a JSON object with one of {_formats()}, not {json_type(document)}"
        )
    row = _plain_row(document, signature)
    if row is not None:
        return row
    is_streamed = is_streamable and document.get(STREAM) is True
    if not LLM_KEYS.isdisjoint(document):
        return _decode_llm(read_json(body, is_exact=True), signature, is_streamed=is_streamed)
    buffers = Buffers()
    data = _data_node(document, signature, buffers)
    params = _params_node(document.get("params"), signature.params, buffers)
    return Payload(data, buffers, params, is_streamed=is_streamed)


def _plain_row(document: dict[str, Any], signature: Signature) -> Payload | None:
    """Return a body that is one row of plain numbers, in the signature's order; None if it is anything else.

    Most requests are such a row. To ask what else it might be takes three times as long.
    """
    inputs, split = signature.inputs, document.get("dataframe_split")
    if type(inputs) is not NamedColumns or signature.is_from_type_hint or len(document) != 1:
        return None
    if type(split) is not dict or len(split) != 2:  # noqa: PLR2004 - columns and data
        return None
    rows, buffers = split.get("data"), Buffers()
    if type(rows) is not list or len(rows) != 1:
        return None
    data = inputs.from_plain_row(split.get("columns"), rows[0], buffers)
    return None if data is None else Payload(data, buffers, _params_node(None, signature.params, buffers))


def _data_node(document: dict[str, Any], signature: Signature, buffers: Buffers) -> Node:
    if signature.is_from_type_hint:
        if "inputs" not in document:
            raise TypeHintViolation("the body must have 'inputs', because the model's input is a type hint")
        return json_node(document["inputs"], buffers)
    sent = [name for name in FORMATS if name in document]
    if len(sent) != 1:
        raise MalformedBody(
            f"the body must have exactly one of {_formats()}; it has {', '.join(sent) or 'none'}"
        )
    (name,) = sent
    if signature.inputs is None:
        return _UNSIGNED[name](document[name], buffers)
    return _SIGNED[name](document[name], signature.inputs, buffers)


def _formats() -> str:
    return ", ".join(FORMATS)


def json_node(value: Any, buffers: Buffers) -> Node:
    """Return a node of *value* as it is."""
    return {"kind": "json", "buffer": buffers.add(dump(value))}


def _params_node(sent: Any, schema: ParamSchema | None, buffers: Buffers) -> Node | None:
    """Return the params; without a schema, whatever was sent becomes an empty dictionary."""
    if schema is not None:
        return schema.node(sent, buffers)
    return None if sent is None else {"kind": "dict", "items": []}


def _decode_llm(document: dict[str, Any], signature: Signature, *, is_streamed: bool) -> Payload:
    """Return a body that is itself the input, without the members that are params."""
    if is_streamed:
        del document[STREAM]
    names = signature.params.names if signature.params else frozenset()
    data = {name: value for name, value in document.items() if name not in names}
    params = {name: value for name, value in document.items() if name in names}
    buffers = Buffers()
    if signature.inputs is None or signature.is_from_type_hint:
        node = json_node(data, buffers)
    else:
        node = signature.inputs.from_row(data, buffers)
    params_node = _params_node(params, signature.params, buffers)
    return Payload(node, buffers, params_node, is_wrapped=False, is_streamed=is_streamed)


# --- data frames and tensors, with and without a signature ---


def _signed_split(value: Any, inputs: Inputs, buffers: Buffers) -> Node:
    return inputs.from_table(table_of_split(value), buffers)


def _signed_records(value: Any, inputs: Inputs, buffers: Buffers) -> Node:
    return inputs.from_table(table_of_records(value), buffers)


def _signed_instances(value: Any, inputs: Inputs, buffers: Buffers) -> Node:
    return inputs.from_instances(value, buffers)


def _signed_inputs(value: Any, inputs: Inputs, buffers: Buffers) -> Node:
    return inputs.from_inputs(value, buffers)


_SIGNED: dict[str, Callable[[Any, Inputs, Buffers], Node]] = {
    "dataframe_split": _signed_split,
    "dataframe_records": _signed_records,
    "instances": _signed_instances,
    "inputs": _signed_inputs,
}


def _unsigned_split(value: Any, buffers: Buffers) -> Node:
    split = check_split(value)
    check_gaps_of_frame(**split)
    return {"kind": "pandas", "buffer": buffers.add(dump(split))}


def _unsigned_records(value: Any, buffers: Buffers) -> Node:
    check_gaps_of_frame(check_records(value))
    return {"kind": "pandas", "buffer": buffers.add(dump({"data": value}))}


def _unsigned_inputs(value: Any, buffers: Buffers) -> Node:
    if isinstance(value, dict):
        return {"kind": "dict", "items": [(name, numpy_node(item, buffers)) for name, item in value.items()]}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {"kind": "list", "items": [_unsigned_inputs(item, buffers) for item in value]}
    return numpy_node(value, buffers)


def _unsigned_instances(value: Any, buffers: Buffers) -> Node:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        columns = _transposed(value)
        # MLflow makes an array of each value before it makes one of the column, which shows among objects.
        nodes = [(name, {**numpy_node(cells, buffers), "each": True}) for name, cells in columns.items()]
        return {"kind": "dict", "items": nodes}
    if isinstance(value, dict):
        _check_lengths(list(value.values()))
    return _unsigned_inputs(value, buffers)


def _transposed(rows: list[Any]) -> dict[str, list[Any]]:
    """Return the columns of *rows*; MLflow would let values of different rows slide together."""
    if not all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        raise MalformedBody("the rows in 'instances' must be objects with the same keys")
    return {key: [row[key] for row in rows] for key in rows[0]}


def _check_lengths(columns: list[Any]) -> None:
    lengths = {len(column) if isinstance(column, list) else None for column in columns}
    if None in lengths or len(lengths) > 1:
        raise MalformedBody("the columns in 'instances' have unequal lengths")


def numpy_node(value: Any, buffers: Buffers) -> Node:
    """Return a node of the array that NumPy makes of *value*."""
    return {"kind": "numpy", "dtype": None, "shape": None, "buffer": buffers.add(dump(value))}


_UNSIGNED: dict[str, Callable[[Any, Buffers], Node]] = {
    "dataframe_split": _unsigned_split,
    "dataframe_records": _unsigned_records,
    "instances": _unsigned_instances,
    "inputs": _unsigned_inputs,
}

# --- CSV and columnar formats ---


def _decode_csv(body: bytes, signature: Signature) -> Payload:
    buffers = Buffers()
    if signature.inputs is None:
        node = _csv_node(body, {}, buffers)
    elif signature.is_from_type_hint:
        node = _csv_node(body, dtypes_by_label(getattr(signature.inputs, "fields", ())), buffers)
    else:
        node = signature.inputs.from_texts(table_of_csv(body), buffers)
    return Payload(node, buffers, _params_node(None, signature.params, buffers))


def _csv_node(body: bytes, dtypes: Mapping[Any, str], buffers: Buffers) -> Node:
    """Return a node of what ``pd.read_csv`` makes of *body*."""
    text = decode_csv(body)
    check_gaps_of_csv(text)
    return {"kind": "csv", "buffer": buffers.add(text.encode()), "dtypes": list(dtypes.items())}


def _decode_columnar(body: bytes, media_type: MediaType, signature: Signature) -> Payload:
    buffers = Buffers()
    node = decode_columnar(body, media_type, signature, buffers)
    return Payload(node, buffers, _params_node(None, signature.params, buffers))
