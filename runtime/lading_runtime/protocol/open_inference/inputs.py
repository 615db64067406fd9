"""Tensors of a request → what the model is given, by the rules of its signature.

Columns become a table, as ``dataframe_split`` does, and tensors become arrays, as ``inputs`` do: what fits
and what is refused is decided by the same code. What a tensor of BYTES says is told by its own content type,
else by the signature. Without a signature the request's content type decides, and where there is none, one
tensor is an array and several are a dictionary of arrays.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node, Payload
from lading_runtime.protocol.open_inference.metadata import INPUT, name_of
from lading_runtime.protocol.open_inference.request import InferenceRequest
from lading_runtime.protocol.open_inference.tensors import Numbers, Tensor, Texts, nested, rows_of, width_of
from lading_runtime.schema import datatypes
from lading_runtime.schema.cells import Cells, dump
from lading_runtime.schema.datatypes import Array, DataType, Scalar
from lading_runtime.schema.named_columns import NamedColumns
from lading_runtime.schema.numbers import Number
from lading_runtime.schema.reading import Field
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.signature import Signature
from lading_runtime.schema.table import Table
from lading_runtime.schema.tensors import ELEMENTS, Shape, TensorSchema, array_node, checked
from lading_runtime.schema.unnamed_columns import UnnamedColumns

NO_SIGNATURE = Signature()
BINARY = Scalar("binary")
TABLE = "pd"
WHOLE = frozenset({"np", "str"})
"""Content types of requests whose only tensor is the whole input, whatever it is called."""

REQUEST_TYPES = frozenset({TABLE, "dict", *WHOLE})
INPUT_TYPES = frozenset({"np", "str", "base64", "datetime", "pd_json"})


def payload_of(request: InferenceRequest, signature: Signature | None, *, is_streamed: bool) -> Payload:
    """Return what *request* asks of a model with *signature*.

    Raises:
        MalformedBody: tensors that are not what their content types say.
        SchemaViolation: the data do not fit the signature.
        InvalidParams: the params do not fit the signature.
    """
    check_content_types(request)
    signature = signature or NO_SIGNATURE
    buffers = Buffers()
    try:
        data = _data_node(request, signature, buffers)
    except Unreadable as problem:
        raise MalformedBody(str(problem)) from problem
    params = None
    if signature.params is not None:
        names = signature.params.names
        params = signature.params.node(
            {name: value for name, value in request.parameters.items() if name in names}, buffers
        )
    return Payload(data, buffers, params, is_streamed=is_streamed)


def check_content_types(request: InferenceRequest) -> None:
    """Return if this server knows what *request* says of its inputs.

    Raises:
        MalformedBody: it does not, or there are more inputs than the content type allows.
    """
    of_request = request.content_type
    if of_request is not None and of_request not in REQUEST_TYPES:
        raise MalformedBody(f"unknown content type of a request; known are {sorted(REQUEST_TYPES)}")
    for tensor in request.inputs:
        if tensor.content_type is not None and tensor.content_type not in INPUT_TYPES:
            raise MalformedBody(f"unknown content type of an input; known are {sorted(INPUT_TYPES)}")
    if of_request in WHOLE and len(request.inputs) > 1:
        raise MalformedBody(f"the content type {of_request!a} is that of requests with one input")


def _data_node(request: InferenceRequest, signature: Signature, buffers: Buffers) -> Node:
    if signature.is_from_type_hint:
        return {"kind": "json", "buffer": buffers.add(dump(plain_rows(request.inputs)))}
    inputs = signature.inputs
    if inputs is None:
        return _unsigned(request, buffers)
    if isinstance(inputs, NamedColumns):
        as_declared = _numbers_as_declared(request.inputs, inputs, buffers)
        return as_declared or inputs.from_table(_named_table(request, inputs), buffers)
    if isinstance(inputs, UnnamedColumns):
        return inputs.from_table(_unnamed_table(request, inputs), buffers)
    return _arrays(request, inputs, buffers)


# --- columns ---


def _named_table(request: InferenceRequest, inputs: NamedColumns) -> Table:
    fields = {str(field.name): field for field in inputs.fields}
    tensors: Sequence[Tensor] = request.inputs
    labels = [tensor.name for tensor in tensors]
    if request.content_type in WHOLE and len(fields) == 1:
        labels = list(fields)
    columns = [column_cells(tensor, fields.get(label)) for label, tensor in zip(labels, tensors)]
    names = [fields[label].name if label in fields else label for label in labels]
    return Table(names, columns, _count_rows(tensors))


def _numbers_as_declared(tensors: Sequence[Tensor], inputs: NamedColumns, buffers: Buffers) -> Node | None:
    """Return the table of tensors that are the model's columns to the bit, or None if they are not.

    It is what the rules would make of it: numbers of one dtype, each column in its place, need none.
    """
    columns = [_numbers_of(tensor, field) for tensor, field in zip(tensors, inputs.fields)]
    found = [column for column in columns if column is not None]
    dtypes = {column.dtype for column in found}
    if not len(tensors) == len(inputs.fields) == len(found) or len(dtypes) > 1:
        return None
    node: Node = {"kind": "table", "dtype": dtypes.pop(), "rows": _count_rows(tensors), "index": None}
    joined = buffers.add(b"".join([column.buffer for column in found]))
    return {**node, "names": [field.name for field in inputs.fields], "buffer": joined}


def _numbers_of(tensor: Tensor, field: Field) -> Numbers | None:
    """Return *tensor* if it is the column *field*, with nothing to be cast or checked."""
    if not isinstance(tensor, Numbers) or not isinstance(field.rule, Number) or tensor.name != field.name:
        return None
    is_same = tensor.dtype == field.rule.dtype and width_of(tensor.shape) == 1
    return tensor if is_same else None


def _unnamed_table(request: InferenceRequest, inputs: UnnamedColumns) -> Table:
    """Return columns by position: tensors in order, or those of one tensor of rows."""
    tensors = in_order(request.inputs)
    rows = _count_rows(tensors)
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and len(inputs.fields) > 1:  # noqa: PLR2004 - rows and columns
        width = tensors[0].shape[1]
        cells = column_values(tensors[0], None, None)
        return Table(range(width), [cells[position::width] for position in range(width)], rows)
    fields = [*inputs.fields, *[None] * len(tensors)]
    columns = [column_cells(tensor, field) for tensor, field in zip(tensors, fields)]
    return Table(range(len(columns)), columns, rows)


def in_order(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return *tensors* by the numbers in their names if they are named as the metadata name them."""
    named = {tensor.name: tensor for tensor in tensors}
    numbered = [name_of(None, position, INPUT) for position in range(len(tensors))]
    return [named[name] for name in numbered] if named.keys() == set(numbered) else list(tensors)


def _count_rows(tensors: Sequence[Tensor]) -> int:
    counts = {rows_of(tensor.shape) for tensor in tensors}
    if len(counts) > 1:
        raise SchemaViolation("inputs with unequal numbers of rows")
    return counts.pop()


def column_cells(tensor: Tensor, field: Field | None) -> Cells:
    """Return the cells of the column that *tensor* is: lists where its rows are no single values.

    Raises:
        UnreadableValue: they are not what their content type says.
    """
    data_type = None if field is None else field.type
    try:
        cells = column_values(tensor, tensor.content_type, data_type)
    except Unreadable as problem:
        raise UnreadableValue(f"input {tensor.name!r}: {problem}") from problem
    is_json = isinstance(tensor, Texts) and tensor.content_type in (None, "pd_json")
    are_lists = isinstance(data_type, Array) and len(tensor.shape) > 1 and not is_json
    if width_of(tensor.shape) == 1 and not are_lists:
        return cells
    rows: Cells = nested(cells, tensor.shape)
    return rows


def column_values(tensor: Tensor, content_type: str | None, data_type: DataType | None) -> Cells:
    """Return the elements of *tensor* as JSON values for a column of *data_type*.

    Raises:
        Unreadable: they are not what *content_type* says.
    """
    if isinstance(tensor, Numbers):
        return tensor.cells()
    is_nested = data_type is not None and not isinstance(data_type, Scalar)
    if content_type == "pd_json" or (content_type is None and is_nested):
        return tensor.values()
    if data_type == BINARY and content_type != "base64":
        return list(map(as_base64, tensor.elements))
    if content_type == "base64" and data_type not in (BINARY, None):
        raise Unreadable(f"bytes where the model takes {data_type}")
    return tensor.texts()


def as_base64(element: str | bytes | None) -> str | None:
    """Return an element of a binary column as base64: texts are such, bytes are the bytes themselves."""
    return base64.b64encode(element).decode() if isinstance(element, bytes) else element


# --- tensors ---


def _arrays(request: InferenceRequest, inputs: TensorSchema, buffers: Buffers) -> Node:
    tensors = request.inputs
    if not inputs.is_named:
        if len(tensors) != 1:
            raise SchemaViolation(f"{len(tensors)} inputs where the model takes one")
        return signed_array(inputs.tensors[0], tensors[0], buffers)
    given = {tensor.name: tensor for tensor in tensors}
    if len(given) < len(tensors):
        raise SchemaViolation("an input appears more than once")
    if request.content_type in WHOLE and len(inputs.tensors) == 1:
        given = {str(inputs.tensors[0].name): tensors[0]}
    missing = [tensor.name for tensor in inputs.tensors if str(tensor.name) not in given]
    if missing:
        raise SchemaViolation(f"model is missing inputs {missing!r}")
    items = [
        (tensor.name, signed_array(tensor, given[str(tensor.name)], buffers)) for tensor in inputs.tensors
    ]
    return {"kind": "dict", "items": items}


def signed_array(declared: datatypes.Tensor, tensor: Tensor, buffers: Buffers) -> Node:
    """Return *tensor* as an array of the dtype that is declared.

    Raises:
        UnreadableValue: an element cannot be read as that dtype.
        SchemaViolation: the shape is not the declared one.
    """
    shape = aligned(tensor.shape, declared.shape)
    elements = ELEMENTS.get(declared.dtype)
    if isinstance(tensor, Numbers) and elements is not None and elements.dtype == tensor.dtype:
        node: Node = {"kind": "array", "dtype": tensor.dtype, "buffer": buffers.add(tensor.buffer)}
    else:
        node = array_node(declared, list(array_values(tensor)), buffers)
    return checked(declared, None, {**node, "shape": shape})


def array_values(tensor: Tensor) -> Cells:
    """Return the elements of *tensor* as JSON values.

    Raises:
        Unreadable: they are not what their content type says.
    """
    if isinstance(tensor, Numbers):
        return tensor.cells()
    return tensor.values() if tensor.content_type == "pd_json" else tensor.texts()


def aligned(shape: Shape, declared: Shape) -> Shape:
    """Return *shape* as it is declared: MLServer's codecs write (n,) as (n, 1), and read it so."""
    if len(declared) == 1 and len(shape) == 2 and shape[1] == 1:  # noqa: PLR2004 - rows, and one value in each
        return shape[:1]
    return (*shape, 1) if len(shape) == 1 and declared[1:] == (1,) else shape


# --- without a signature ---


def _unsigned(request: InferenceRequest, buffers: Buffers) -> Node:
    tensors = request.inputs
    if request.content_type == TABLE:
        rows = _count_rows(tensors)
        columns = [unsigned_column(tensor, buffers) for tensor in tensors]
        return {"kind": "frame", "columns": columns, "rows": rows, "index": None}
    if len(tensors) == 1 and request.content_type != "dict":
        return unsigned_array(tensors[0], request.content_type, buffers)
    items = [(tensor.name, unsigned_array(tensor, None, buffers)) for tensor in tensors]
    return {"kind": "dict", "items": items}


def unsigned_column(tensor: Tensor, buffers: Buffers) -> Node:
    """Return *tensor* as a column of a data frame.

    Raises:
        MalformedBody: its rows are no single values.
        Unreadable: they are not what their content type says.
    """
    if width_of(tensor.shape) != 1:
        raise MalformedBody(f"input {tensor.name!r}: shape {list(tensor.shape)} for a column")
    if isinstance(tensor, Numbers):
        return {"name": tensor.name, "type": tensor.dtype, "buffer": buffers.add(tensor.buffer)}
    make = COLUMNS.get(tensor.content_type or "str", _text_column)
    return {"name": tensor.name, **make(tensor, buffers)}


def _text_column(tensor: Texts, buffers: Buffers) -> Node:
    return {"type": "text", "buffer": buffers.add(dump(tensor.texts())), "absent": []}


def _binary_column(tensor: Texts, buffers: Buffers) -> Node:
    try:
        values = [base64.b64decode(element, validate=True) for element in tensor.elements]
    except (ValueError, TypeError):
        raise Unreadable(f"input {tensor.name!r}: an element that is not base64") from None
    return {"type": "binary", "buffer": buffers.add(b"".join(values)), "lengths": list(map(len, values))}


def _time_column(tensor: Texts, buffers: Buffers) -> Node:
    return {"type": "time", "by": "pandas", "buffer": buffers.add(dump(tensor.texts()))}


def _json_column(tensor: Texts, buffers: Buffers) -> Node:
    return {"type": "any", "buffer": buffers.add(dump(tensor.values())), "absent": []}


COLUMNS: dict[str, Callable[[Texts, Buffers], Node]] = {
    "base64": _binary_column,
    "datetime": _time_column,
    "pd_json": _json_column,
}


def unsigned_array(tensor: Tensor, content_type: str | None, buffers: Buffers) -> Node:
    """Return *tensor* as an array of its datatype; a list of texts for the content type "str"."""
    if isinstance(tensor, Numbers):
        buffer = buffers.add(tensor.buffer)
        return {"kind": "array", "dtype": tensor.dtype, "shape": tensor.shape, "buffer": buffer}
    is_list = "str" in (content_type, tensor.content_type)
    shape = aligned(tensor.shape, (-1,)) if is_list else tensor.shape
    value = nested(array_values(tensor), shape)
    return {"kind": "numpy", "dtype": None, "shape": None, "buffer": buffers.add(dump(value))}


# --- type hints ---


def plain_rows(tensors: Sequence[Tensor]) -> Any:
    """Return the rows of *tensors* as JSON: values of the only one, or objects with a member for each."""
    columns = [_plain_column(tensor) for tensor in tensors]
    if len(tensors) == 1:
        return columns[0]
    _count_rows(tensors)
    names = [tensor.name for tensor in tensors]
    return [dict(zip(names, row)) for row in zip(*columns)]


def _plain_column(tensor: Tensor) -> list[Any]:
    values = array_values(tensor)
    single = width_of(tensor.shape) == 1
    rows: list[Any] = list(values) if single else nested(values, tensor.shape)
    return rows
