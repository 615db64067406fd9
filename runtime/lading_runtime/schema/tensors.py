"""Signatures of tensors (``TensorSpec``): one array without a name, or several with names.

Values are cast to the declared dtype (``np.array(value, dtype)``), then the shape must fit
(``mlflow.models.utils._enforce_tensor_spec``). Tables are cast column by column, and a column of lists
is stacked (``_reshape_and_cast_pandas_column_values``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import Cells, dump, even_shape, flatten
from lading_runtime.schema.datatypes import Label, Tensor
from lading_runtime.schema.numbers import Number, as_series, exact_float, exact_integer
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.scalars import exact_boolean
from lading_runtime.schema.table import Record, Table, keys_of

Shape = tuple[int, ...]

COLUMNS = ((-1,), (-1, 1))
"""The shapes that a column of single values can have."""

LISTS_IN_ROWS = 2
"""The dimensions of a column whose cells are flat lists."""


@dataclass(frozen=True)
class BooleanElements:
    """Elements of a boolean tensor."""

    dtype: str = "|b1"

    def pack(self, cells: Cells) -> bytes:
        """Return a byte per cell; there is no missing boolean in an array.

        Raises:
            Unreadable: a cell is no boolean.
        """
        packed = bytes(map(exact_boolean, cells))
        if packed and max(packed) > 1:
            raise Unreadable("null instead of a boolean")
        return packed


ELEMENTS: dict[str, Number | BooleanElements] = {
    "bool": BooleanElements(),
    "int8": Number("|i1", "b", exact_integer),
    "int16": Number("<i2", "h", exact_integer),
    "int32": Number("<i4", "i", exact_integer),
    "int64": Number("<i8", "q", exact_integer),
    "uint8": Number("|u1", "B", exact_integer),
    "uint16": Number("<u2", "H", exact_integer),
    "uint32": Number("<u4", "I", exact_integer),
    "uint64": Number("<u8", "Q", exact_integer),
    "float16": Number("<f2", "e", exact_float),
    "float32": Number("<f4", "f", exact_float),
    "float64": Number("<f8", "d", exact_float),
}
"""How the elements of each dtype of numbers are packed. Other dtypes are left to the model's NumPy."""


@dataclass(frozen=True)
class TensorSchema:
    """The tensors that a model takes."""

    tensors: tuple[Tensor, ...]

    @property
    def is_named(self) -> bool:
        """Whether the model takes a dictionary of arrays."""
        return self.tensors[0].name is not None

    @property
    def keeps_values(self) -> bool:
        """Whether elements may reach the model as they are, and so must be read exactly."""
        return not all(tensor.dtype in ELEMENTS for tensor in self.tensors)

    def from_inputs(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``inputs`` becomes.

        Raises:
            MalformedBody: an object, or null, for a tensor without a name.
            UnreadableValue: an element cannot be read as the tensor's dtype.
            SchemaViolation: tensors are missing or of other shapes.
        """
        if self.is_named and isinstance(value, dict):
            return self._mapping(value, buffers)
        if self.is_named and len(self.tensors) == 1 and not _holds_objects(value):
            return self._mapping({self.tensors[0].name: value}, buffers)
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return self._refuse_records(value)
        if not self.is_named:
            return self._single(value, buffers)
        array_node(self.tensors[0], value, Buffers())
        return self._refuse_missing(())

    def from_instances(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``instances`` becomes: objects are transposed, an array for each key.

        Raises:
            MalformedBody: rows that are no objects beside some that are, or of unequal lengths.
            UnreadableValue: an element cannot be read as the tensor's dtype.
            SchemaViolation: tensors are missing or of other shapes.
        """
        columns = value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            columns = self._transposed(value)
        if isinstance(columns, dict):
            self._check_lengths(columns)
            if not self.is_named and columns is not value:
                for name, cells in columns.items():
                    _flatten(name, cells)
                raise SchemaViolation("objects, where the tensor has no name")
        return self.from_inputs(columns, buffers)

    def from_table(self, table: Table, buffers: Buffers) -> Node:
        """Return what the data frame formats and CSV become.

        Raises:
            UnreadableValue: a cell cannot be read as the tensor's dtype.
            SchemaViolation: tensors are missing or of other shapes.
        """
        if self.is_named:
            return self._from_named_columns(table, buffers)
        tensor = self.tensors[0]
        numbers = as_numbers(tensor, table, buffers)
        if numbers is not None:
            return numbers
        for label, cells in zip(table.labels, table.columns):
            check_cells(label, tensor, cells)
        width = len(table.columns)
        if not table.rows or not width:
            raise SchemaViolation("an empty data frame")
        if width == 1:
            return stacked_node(None, tensor, table.columns[0], buffers)
        if tensor.shape != (-1, width):
            raise SchemaViolation(f"{width} columns for a tensor of shape {tensor.shape}")
        columns = map(as_series, table.columns) if tensor.dtype == "object" else table.columns
        return array_node(tensor, [list(row) for row in zip(*columns)], buffers)

    def from_texts(self, table: Table, buffers: Buffers) -> Node:
        """Return what CSV becomes: what a data frame of the same texts becomes.

        Raises:
            UnreadableValue: a cell cannot be read as the tensor's dtype.
            SchemaViolation: tensors are missing or of other shapes.
        """
        return self.from_table(table, buffers)

    def from_row(self, values: Record, _buffers: Buffers) -> Node:
        """Refuse a body that is itself the input: JSON values are no arrays.

        Raises:
            SchemaViolation: always.
        """
        self._check_missing(values)
        raise SchemaViolation("JSON values, where arrays are declared")

    def _from_named_columns(self, table: Table, buffers: Buffers) -> Node:
        columns = dict(zip(table.labels, table.columns))
        present = [tensor for tensor in self.tensors if tensor.name in columns]
        labels = list(table.labels)
        twice = [tensor.name for tensor in present if labels.count(tensor.name) > 1]
        if twice:
            raise SchemaViolation(f"columns that appear more than once: {twice!r}")
        for tensor in present:
            check_cells(tensor.name, tensor, columns[tensor.name])
        self._check_missing(columns)
        items = [
            (tensor.name, stacked_node(tensor.name, tensor, columns[tensor.name], buffers))
            for tensor in present
        ]
        return {"kind": "dict", "items": items}

    def _single(self, value: Any, buffers: Buffers) -> Node:
        if value is None or isinstance(value, dict):
            raise MalformedBody("the tensor of this model has no name: send a list or a single value")
        return checked(self.tensors[0], value, array_node(self.tensors[0], value, buffers))

    def _mapping(self, values: Mapping[Any, Any], buffers: Buffers) -> Node:
        names = {tensor.name for tensor in self.tensors}
        for name, value in values.items():
            if name not in names:
                _flatten(name, value)
        present = [tensor for tensor in self.tensors if tensor.name in values]
        nodes = [array_node(tensor, values[tensor.name], buffers) for tensor in present]
        self._check_missing(values)
        items = [(item.name, checked(item, values[item.name], node)) for item, node in zip(present, nodes)]
        return {"kind": "dict", "items": items}

    def _transposed(self, rows: list[Any]) -> Record:
        if not all(isinstance(row, dict) for row in rows):
            raise MalformedBody("'instances' has objects beside other values")
        columns = {key: [row[key] for row in rows if key in row] for key in keys_of(rows)}
        for tensor in self.tensors:
            # MLflow makes an array of each value first, and uneven arrays become no array of objects.
            if len(set(map(even_shape, columns.get(cast("str", tensor.name), ())))) > 1:
                raise UnreadableValue(f"{_text(tensor.name)}: arrays of unequal shapes")
        return columns

    def _check_lengths(self, columns: Record) -> None:
        names = {tensor.name for tensor in self.tensors}
        known = [value for name, value in columns.items() if not self.is_named or name in names]
        lengths = {len(value) if isinstance(value, list) else None for value in known}
        if len(lengths) > 1 or None in lengths:
            raise MalformedBody("the tensors in 'instances' have unequal lengths")

    def _refuse_records(self, rows: list[Record]) -> Node:
        by_name = {tensor.name: tensor for tensor in self.tensors}
        for name, value in chain.from_iterable(row.items() for row in rows):
            if name in by_name:
                array_node(by_name[name], value, Buffers())
            else:
                _flatten(name, value)
        return self._refuse_missing(())

    def _refuse_missing(self, present: Iterable[Any]) -> Node:
        self._check_missing(present)
        raise SchemaViolation("a list, where one array is declared")

    def _check_missing(self, present: Iterable[Any]) -> None:
        names = set(present)
        missing = [tensor.name for tensor in self.tensors if self.is_named and tensor.name not in names]
        if missing:
            raise SchemaViolation(f"model is missing inputs {missing!r}")


def as_numbers(tensor: Tensor, table: Table, buffers: Buffers) -> Node | None:
    """Return *table* if it is as wide as *tensor* and holds nothing but plain numbers; else None."""
    elements, shape = ELEMENTS.get(tensor.dtype), (table.rows, len(table.columns))
    if tensor.shape != (-1, shape[1]) or 0 in shape or 1 in shape[1:] or not isinstance(elements, Number):
        return None
    packed = elements.pack_plain(list(chain.from_iterable(zip(*table.columns))))
    if packed is None:
        return None
    return {"kind": "array", "dtype": elements.dtype, "shape": shape, "buffer": buffers.add(packed)}


def array_node(tensor: Tensor, value: Any, buffers: Buffers) -> Node:
    """Return *value* as an array of the tensor's dtype, whatever its shape.

    Raises:
        UnreadableValue: lists of unequal lengths, or an element that cannot be read as the dtype.
    """
    elements = ELEMENTS.get(tensor.dtype)
    if elements is None:
        return _numpy_node(tensor, value, buffers)
    shape, cells = _flatten(tensor.name, value)
    node = {"kind": "array", "dtype": elements.dtype, "shape": shape}
    return {**node, "buffer": buffers.add(_pack(tensor, elements, cells))}


def _numpy_node(tensor: Tensor, value: Any, buffers: Buffers) -> Node:
    shape = None if tensor.dtype == "object" else _flatten(tensor.name, value)[0]
    return {"kind": "numpy", "dtype": tensor.dtype, "shape": shape, "buffer": buffers.add(dump(value))}


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _flatten(name: Label | None, value: Any) -> tuple[Shape, list[Any]]:
    try:
        return flatten(value)
    except Unreadable as problem:
        raise UnreadableValue(f"{_text(name)}: {problem}") from problem


def _pack(tensor: Tensor, elements: Number | BooleanElements, cells: Cells) -> bytes:
    try:
        return elements.pack(cells)
    except Unreadable as problem:
        raise UnreadableValue(f"{_text(tensor.name)} ({tensor.dtype}): {problem}") from problem


def _text(name: Label | None) -> str:
    return "the tensor" if name is None else f"tensor {name!r}"


def checked(tensor: Tensor, value: Any, node: Node) -> Node:
    """Return *node*, an array of *value*, if its shape is one that *tensor* declares.

    Objects may be a list of uneven arrays (``_enforce_tensor_spec``).

    Raises:
        SchemaViolation: it is not.
    """
    is_object = node["shape"] is None
    shape = even_shape(value) if is_object else tuple(node["shape"])
    is_ragged = is_object and (tensor.shape == (-1,) or (len(shape) == 1 and -1 in tensor.shape[1:]))
    if is_ragged or fits(shape, tensor.shape):
        return node
    raise SchemaViolation(f"{_text(tensor.name)}: shape {shape} does not match {tensor.shape}")


def fits(shape: Shape, declared: Shape) -> bool:
    """Tell whether *shape* is one that *declared* allows; -1 allows any length."""
    pairs = zip(shape, declared)
    return len(shape) == len(declared) and all(limit in (length, -1) for length, limit in pairs)


def check_cells(label: Any, tensor: Tensor, cells: Cells) -> None:
    """Read the cells of a table's column as elements; a column that begins with a list is read later.

    Raises:
        UnreadableValue: there are none, or one cannot be read.
    """
    elements = ELEMENTS.get(tensor.dtype)
    if not cells:
        raise UnreadableValue(f"column {label!r}: no rows")
    if elements is not None and not isinstance(cells[0], list):
        _pack(Tensor(label, tensor.dtype, tensor.shape), elements, cells)


def stacked_node(label: Any, tensor: Tensor, cells: Cells, buffers: Buffers) -> Node:
    """Return a column of a table as an array: of its cells, or of the lists in them.

    Raises:
        SchemaViolation: the tensor's shape is none that a table can have, or not that of the cells.
    """
    if not tensor.shape or tensor.shape[0] != -1 or -1 in tensor.shape[1:]:
        raise SchemaViolation(f"column {label!r}: no table has the shape {tensor.shape}")
    shape = (len(cells), *tensor.shape[1:])
    if tensor.dtype == "object" and tensor.shape in COLUMNS and not isinstance(cells[0], (list, dict)):
        if all(cell is None for cell in cells):
            raise SchemaViolation(f"column {label!r}: nothing but null")
        return {**array_node(tensor, list(as_series(cells)), buffers), "shape": shape}
    try:
        found, singles = flatten(list(cells))
    except Unreadable as problem:
        raise SchemaViolation(f"column {label!r}: {problem}") from problem
    if len(found) == LISTS_IN_ROWS and cells[0] and cells[0][0] is None:
        raise SchemaViolation(f"column {label!r}: a list that begins with null")
    is_plain = len(found) == 1 and tensor.shape in COLUMNS
    if not is_plain and (len(found) != LISTS_IN_ROWS or math.prod(found) != math.prod(shape)):
        raise SchemaViolation(f"column {label!r}: shape {found} does not match {tensor.shape}")
    try:
        node = array_node(tensor, singles, buffers)
    except UnreadableValue as problem:
        raise SchemaViolation(f"column {label!r}: {problem}") from problem
    return {**node, "shape": shape}
