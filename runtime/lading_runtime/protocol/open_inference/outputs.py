"""A prediction as the model process sends it → the tensors of an answer.

Arrays of numbers are tensors as they are. Of everything else the server has the JSON that ``/invocations``
answers, and makes of it what MLServer's codecs make of the prediction itself: a list of objects with equal
keys, which is what a data frame or a series becomes, a tensor for each column; an object a tensor for each
member; a list one tensor. What no datatype has is JSON text in each element. The model's signature gives
names and datatypes where they fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lading_runtime.payload import Node
from lading_runtime.protocol.json_text import read_json
from lading_runtime.protocol.open_inference.datatypes import BY_DTYPE, BYTES, Form, pack, unpack
from lading_runtime.protocol.open_inference.metadata import OUTPUT, Declared, name_of
from lading_runtime.protocol.open_inference.tensors import Numbers, Shape, Tensor, Texts
from lading_runtime.schema.cells import flatten
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.wire import Buffer

NUMBERS: frozenset[type] = frozenset({int, float, type(None)})
INFERRED: tuple[tuple[frozenset[type], tuple[str, ...]], ...] = (
    (frozenset(), ("FP64",)),
    (frozenset({bool}), ("BOOL",)),
    (frozenset({int}), ("INT64", "UINT64")),
    (NUMBERS, ("FP64",)),
)
"""Datatypes of JSON values where nothing is declared, the first that holds them all."""

UNKNOWN = Form("", "")
TABLE_DIMENSIONS = 2


class Outputs(NamedTuple):
    """The tensors of an answer, and what they are together."""

    content_type: str
    tensors: list[Tensor]


def outputs_of(value: Node, buffers: Sequence[Buffer], declared: Sequence[Declared]) -> Outputs:
    """Return the tensors that *value*, a prediction as the model process sends it, becomes."""
    buffer = buffers[value["buffer"]]
    if value["kind"] != "json":
        return of_array(value["dtype"], tuple(value["shape"]), buffer, declared)
    prediction = read_json(bytes(buffer), is_exact=True)
    if isinstance(prediction, dict) and prediction:
        return of_object(prediction, declared)
    if is_table(prediction):
        return of_records(prediction, declared)
    tensor = tensor_of(prediction, 0, None, declared[:1])
    return Outputs("str" if tensor.content_type == "str" else "np", [tensor])


def of_array(dtype: str, shape: Shape, buffer: Buffer, declared: Sequence[Declared]) -> Outputs:
    """Return an array of numbers; the columns of one that is declared as such."""
    datatype = BY_DTYPE[dtype]
    is_table = len(shape) == TABLE_DIMENSIONS and 1 < len(declared) == shape[1]
    if is_table and all(field.is_column for field in declared):
        cells = unpack(datatype, buffer)
        columns = [cells[position :: shape[1]] for position in range(shape[1])]
        tensors: list[Tensor] = [
            Numbers(field.name, datatype, (shape[0], 1), pack(datatype, column), "np")
            for field, column in zip(declared, columns)
        ]
        return Outputs("pd", tensors)
    name = declared[0].name if len(declared) == 1 else name_of(None, 0, OUTPUT)
    return Outputs("np", [Numbers(name, datatype, shaped(shape, declared), buffer, "np")])


def shaped(shape: Shape, declared: Sequence[Declared]) -> Shape:
    """Return *shape*, as a column's if that is declared."""
    is_column = len(declared) == 1 and declared[0].is_column
    return (*shape, 1) if is_column and len(shape) == 1 else shape


def is_table(prediction: Any) -> bool:
    """Tell whether *prediction* is a list of objects with equal keys."""
    if not isinstance(prediction, list) or not prediction or not isinstance(prediction[0], dict):
        return False
    keys = prediction[0].keys()
    return bool(keys) and all(isinstance(row, dict) and row.keys() == keys for row in prediction)


def of_records(rows: list[Mapping[str, Any]], declared: Sequence[Declared]) -> Outputs:
    """Return the columns of a data frame."""
    keys = list(rows[0])
    tensors = []
    for position, key in enumerate(keys):
        fields = fitting(key, position, declared if len(declared) == len(keys) else ())
        cells = [row[key] for row in rows]
        # A column of lists is a column of JSON texts: its elements must be as many as its rows.
        is_flat = not any(isinstance(cell, list) for cell in cells)
        found = (len(cells), 1), cells
        name = column_name(key, position, fields)
        tensors.append(typed(name, *found, fields) if is_flat else json_texts(name, *found))
    return Outputs("pd", tensors)


def of_object(members: Mapping[str, Any], declared: Sequence[Declared]) -> Outputs:
    """Return the members of an object, which may be a dictionary of arrays."""
    by_name = {field.name: field for field in declared}
    tensors = [
        tensor_of(member, position, key, [by_name[key]] if key in by_name else ())
        for position, (key, member) in enumerate(members.items())
    ]
    return Outputs("dict", tensors)


def fitting(key: str, position: int, declared: Sequence[Declared]) -> Sequence[Declared]:
    """Return what is declared of a column: by its name, or by its position where none has a name."""
    by_name = [field for field in declared if field.name == key]
    is_nameless = bool(declared) and declared[position].name == name_of(None, position, OUTPUT)
    return by_name or (declared[position : position + 1] if is_nameless else ())


def column_name(key: str, position: int, declared: Sequence[Declared]) -> str:
    """Return what a column is called; pandas calls those without names by their positions."""
    if declared:
        return declared[0].name
    return name_of(None, position, OUTPUT) if key == str(position) else key


def tensor_of(value: Any, position: int, key: str | None, declared: Sequence[Declared]) -> Tensor:
    """Return a JSON value as one tensor."""
    name = declared[0].name if declared else name_of(key, position, OUTPUT)
    try:
        shape, cells = flatten(value)
    except Unreadable:  # lists of unequal lengths: an array of objects
        return json_texts(name, (len(value),), value)
    if value is None:
        return json_texts(name, (1,), cells)
    return typed(name, shaped(shape or (1,), declared), cells, declared)


def typed(name: str, shape: Shape, cells: Sequence[Any], declared: Sequence[Declared]) -> Tensor:
    """Return *cells* as a tensor of the declared datatype if it holds them, else of the first that does."""
    form = declared[0].form if declared else UNKNOWN
    kinds = set(map(type, cells))
    if kinds == {str} and form.content_type != "pd_json":
        return texts(name, shape, cells, form)
    packed = ((datatype, packed_exactly(datatype, cells)) for datatype in datatypes_of(kinds, form))
    found = next(((datatype, buffer) for datatype, buffer in packed if buffer is not None), None)
    if found is None:
        return json_texts(name, shape, cells)
    datatype, buffer = found
    return Numbers(name, datatype, shape, buffer, "np")


def packed_exactly(datatype: str, cells: Sequence[Any]) -> bytes | None:
    """Return *cells* as numbers, or None if *datatype* is too small for one, or has no null."""
    try:
        buffer = pack(datatype, cells)
    except Unreadable:
        return None
    is_exact = all(found == cell or cell is None for found, cell in zip(unpack(datatype, buffer), cells))
    return buffer if is_exact else None


def datatypes_of(kinds: set[type], form: Form) -> Iterable[str]:
    """Return the datatypes that values of *kinds* may have: the declared one, then those that they show."""
    is_numeric = kinds <= {bool, *NUMBERS} and (bool not in kinds or form.datatype == "BOOL")
    if is_numeric and form.datatype not in ("", BYTES):
        yield form.datatype
    for of_kinds, datatypes in INFERRED:
        if kinds <= of_kinds and form.content_type != "pd_json":
            yield from datatypes


def texts(name: str, shape: Shape, cells: Sequence[str], form: Form) -> Texts:
    """Return texts; those of bytes are base64, which MLflow breaks into lines."""
    if form.content_type == "base64":
        return Texts(name, shape, ["".join(cell.split()) for cell in cells], "base64")
    return Texts(name, shape, cells, "datetime" if form.content_type == "datetime" else "str")


def json_texts(name: str, shape: Shape, cells: Sequence[Any]) -> Texts:
    """Return *cells* as JSON texts."""
    return Texts(name, shape, [json.dumps(cell) for cell in cells], "pd_json")
