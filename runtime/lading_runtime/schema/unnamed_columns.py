"""Signatures of columns without names: the first columns of a request, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import Cells, flatten
from lading_runtime.schema.csv_columns import check_missing_booleans, check_scalars, texts_of
from lading_runtime.schema.datatypes import Scalar
from lading_runtime.schema.nested import Nested
from lading_runtime.schema.reading import (
    PLAIN_TYPES,
    Field,
    Read,
    Reading,
    are_cells,
    as_columns,
    check_array,
    check_cells,
    check_keys,
    has_objects,
    lengths_of,
)
from lading_runtime.schema.refusals import Unfit, Unreadable
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
            # Positions are the names of the required ones to MLflow, and Python finds False and 0.0 at 0.
            is_required = isinstance(label, (int, float)) and label in range(len(self.fields))
            read = field.rule.from_frame if is_required else optional_first(field)
            reading.add(label, field.type, read, cells)
        reading.check_twice(zip(table.labels, self.fields), table.labels)
        reading.check_readable()
        self._check_count(len(table.labels))
        return reading.frame(table.rows, table.row_labels)

    def from_texts(self, table: Table, buffers: Buffers) -> Node:
        """Return what CSV becomes.

        Raises:
            MalformedBody: the signature has columns that CSV cannot say.
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: there are too few columns.
        """
        check_scalars(self.fields)
        if len(table.labels) < len(self.fields) and not table.rows:
            raise MalformedBody("the CSV has no rows, and fewer columns than the model takes")
        check_missing_booleans(table, self.fields)
        return self.from_table(texts_of(table, self.fields), buffers)

    def from_row(self, values: Record, buffers: Buffers) -> Node:
        """Return what a body becomes that is the input itself; nothing in it is cast.

        Raises:
            SchemaViolation: there are too few values, or of other types.
        """
        self._check_count(len(values))
        is_row = are_cells(values) or any(field.is_list_like for field in self.fields)
        columns, rows = as_columns(values, is_row=is_row)
        if not is_row and (has_objects(values) or len(lengths_of(columns)) > 1):
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
        first = self.fields[0]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            refuse_objects(value)
        if not isinstance(first.type, Scalar):
            check_cells(0, first.type, first.rule.from_values, [value])
            raise SchemaViolation("lists or objects are declared, which need a data frame")
        try:
            shape, cells = flatten(value)
        except Unreadable as problem:
            raise UnreadableValue(f"column 0 ({first.type}): {problem}") from problem
        if len(shape) > DIMENSIONS_OF_A_TABLE:
            raise SchemaViolation("values that are no table of single values")
        width = shape[1] if len(shape) == DIMENSIONS_OF_A_TABLE else 1
        check_cells(0, first.type, first.rule.from_values, cells)
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
        keys = keys_of(value)
        if len({sum(key in row for row in value) for key in keys}) > 1:
            raise MalformedBody("the columns in 'instances' have unequal lengths")
        check_keys(value)
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


def optional_first(field: Field) -> Read:
    """Return how cells of the data frame formats are read.

    MLflow looks in a list of positions whether a column is required while it reads lists and objects. It
    finds no labels there, and notices nulls when it enforces types (``_enforce_unnamed_col_schema``).
    """
    if not isinstance(field.rule, Nested):
        return field.rule.from_frame
    optional = replace(field.rule, is_required=False)

    def read(cells: Cells, buffers: Buffers) -> Node:
        optional.from_frame(cells, Buffers())
        try:
            return field.rule.from_frame(cells, buffers)
        except Unreadable as problem:
            raise Unfit(str(problem)) from problem

    return read


def refuse_objects(rows: Sequence[Record]) -> NoReturn:
    """Refuse rows with names, which MLflow gives to the model as arrays without dimensions.

    Raises:
        UnreadableValue: a value is lists of unequal lengths.
        SchemaViolation: always else.
    """
    for row in rows:
        for key, value in row.items():
            check_array(key, value)
    raise SchemaViolation("objects, where the columns have no names")
