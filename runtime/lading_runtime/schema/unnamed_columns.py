"""Signatures of columns without names: the first columns of a request, whatever they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import flatten
from lading_runtime.schema.datatypes import Scalar
from lading_runtime.schema.reading import (
    PLAIN_TYPES,
    Field,
    Reading,
    are_cells,
    as_columns,
    check_keys,
    lengths_of,
)
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.strict import as_strict, recast
from lading_runtime.schema.table import Record, Table, keys_of

DIMENSIONS_OF_A_TABLE = 2


@dataclass(frozen=True)
class UnnamedColumns:
    """Columns by position."""

    fields: tuple[Field, ...]

    @property
    def keeps_values(self) -> bool:
        """Whether cells may reach the model as they are, and so must be read exactly."""
        return not all(field.type in PLAIN_TYPES for field in self.fields)

    def from_table(self, table: Table, buffers: Buffers) -> Node:
        """Return what the data frame formats become, with the request's names.

        Raises:
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: there are too few columns, or of other types.
        """
        reading = Reading(buffers)
        for label, field, cells in zip(table.labels, self.fields, table.columns):
            reading.add(label, field.type, field.rule.from_frame, cells)
        self._check_count(len(table.labels))
        return reading.frame(table.rows, table.index)

    def from_texts(self, table: Table, buffers: Buffers) -> Node:
        """Return what CSV becomes.

        Raises:
            MalformedBody: the signature has columns that CSV cannot say.
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: there are too few columns.
        """
        if not all(isinstance(field.type, Scalar) for field in self.fields):
            raise MalformedBody("CSV has no lists and objects, which this model's signature has")
        return self.from_table(table, buffers)

    def from_row(self, values: Record, buffers: Buffers) -> Node:
        """Return what a body becomes that is the input itself; nothing in it is cast.

        Raises:
            SchemaViolation: there are too few values, or of other types.
        """
        self._check_count(len(values))
        columns, rows = as_columns(
            values, is_row=are_cells(values) or any(f.is_list_like for f in self.fields)
        )
        if any(isinstance(value, dict) for value in values.values()) or len(lengths_of(columns)) > 1:
            raise SchemaViolation("values that are no table")
        reading = Reading(buffers)
        for (key, cells), field in zip(columns.items(), self.fields):
            reading.add(key, field.type, as_strict(field.type, field.rule), cells)
        return reading.frame(rows)

    def from_inputs(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``inputs`` becomes: an array, whose type MLflow takes from the first column.

        Raises:
            MalformedBody: an object, or null.
            UnreadableValue: a cell cannot be read as that type.
            SchemaViolation: there are too few columns, or of other types.
        """
        if value is None or isinstance(value, dict):
            raise MalformedBody("the columns of this model have no names: send a list or a single value")
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            raise SchemaViolation("objects, where the columns have no names")
        first = self.fields[0]
        try:
            shape, cells = flatten(value)
        except Unreadable as problem:
            raise UnreadableValue(f"column 0 ({first.type}): {problem}") from problem
        if len(shape) > DIMENSIONS_OF_A_TABLE or not isinstance(first.type, Scalar):
            raise SchemaViolation("values that are no table of single values")
        width = shape[1] if len(shape) == DIMENSIONS_OF_A_TABLE else 1
        Reading(Buffers()).add(0, first.type, first.rule.from_values, cells)
        self._check_count(width)
        reading = Reading(buffers)
        for position, field in enumerate(self.fields):
            read = recast(first.type, first.rule, field.type)
            reading.add(position, field.type, read, cells[position::width])
        return reading.frame(shape[0] if shape else 1)

    def from_instances(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``instances`` becomes: of objects, columns that are not cast.

        Raises:
            MalformedBody: rows that are no objects beside some that are, or columns of unequal lengths.
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: there are too few columns, or of other types, or the rows have different keys.
        """
        if isinstance(value, dict) and len(lengths_of(value)) > 1:
            raise MalformedBody("the columns in 'instances' have unequal lengths")
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            return self.from_inputs(value, buffers)
        if not all(isinstance(row, dict) for row in value):
            raise MalformedBody("'instances' has objects beside other values")
        check_keys(value)
        keys = keys_of(value)
        self._check_count(len(keys))
        reading = Reading(buffers)
        for key, field in zip(keys, self.fields):
            reading.add(key, field.type, as_strict(field.type, field.rule), [row[key] for row in value])
        return reading.frame(len(value))

    def _check_count(self, count: int) -> None:
        if count < len(self.fields):
            raise SchemaViolation(
                f"model is missing inputs: it takes {len(self.fields)} columns, not {count}"
            )
