"""Signatures of columns with names: every format becomes a data frame of them, in their order."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import Cells, flatten
from lading_runtime.schema.csv_columns import as_read_csv, check_missing_booleans, check_scalars, texts_of
from lading_runtime.schema.datatypes import Anything, Array, Map, Scalar
from lading_runtime.schema.numbers import Number
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
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.scalars import Text
from lading_runtime.schema.strict import as_strict
from lading_runtime.schema.table import Record, Table, columns_of, keys_of


def in_frames(field: Field) -> Read:
    """Return how the data frame formats are read."""
    return field.rule.from_frame


def in_values(field: Field) -> Read:
    """Return how ``inputs`` and ``instances`` are read."""
    return field.rule.from_values


def in_records(field: Field) -> Read:
    """Return how cells of ``inputs`` are read that MLflow looks at one by one."""
    return field.rule.from_records if isinstance(field.rule, Text) else field.rule.from_values


def in_rows(field: Field) -> Read:
    """Return how bodies are read that are the input themselves."""
    return as_strict(field.type, field.rule)


How = Callable[[Field], Read]

ANYTHING_GOES = frozenset({Scalar("boolean"), Scalar("string"), Scalar("binary")})
"""Types that MLflow makes of any value."""


@dataclass(frozen=True)
class NamedColumns:
    """Columns that a request may send in any order, with others beside them."""

    fields: tuple[Field, ...]

    @cached_property
    def keeps_values(self) -> bool:
        """Whether cells may reach the model as they are, and so must be read exactly."""
        return not all(field.type in PLAIN_TYPES for field in self.fields)

    @cached_property
    def _names(self) -> set[Any]:
        return {field.name for field in self.fields}

    @cached_property
    def _labels(self) -> list[Any]:
        return [field.name for field in self.fields]

    @cached_property
    def _number(self) -> Number | None:
        """The one rule of all columns, if they are all numbers of one width."""
        rules = {field.rule for field in self.fields if isinstance(field.rule, Number)}
        is_one = len(rules) == 1 and all(isinstance(field.rule, Number) for field in self.fields)
        return rules.pop() if is_one else None

    @cached_property
    def _row_layout(self) -> struct.Struct | None:
        """How a row lies in memory, if it is nothing but numbers of one width."""
        return None if self._number is None else self._number.layout(len(self.fields))

    def _as_numbers(self, table: Table, buffers: Buffers) -> Node | None:
        """Return *table* if it is these columns, in order, and nothing but plain numbers; else None."""
        if self._number is None or table.labels != self._labels:
            return None
        packed = self._number.pack_plain(list(chain.from_iterable(table.columns)))
        return None if packed is None else self._packed(packed, table.rows, table.row_labels, buffers)

    def from_plain_row(self, labels: Any, row: Any, buffers: Buffers) -> Node | None:
        """Return a row of a data frame; None if it is not these columns, in order, and plain numbers."""
        layout = self._row_layout
        if layout is None or labels != self._labels or type(row) is not list:
            return None
        try:
            cells = layout.pack(*row)
        except (OverflowError, struct.error):
            return None
        return self._packed(cells, 1, None, buffers)

    def _packed(self, cells: bytes, rows: int, row_labels: list[Any] | None, buffers: Buffers) -> Node:
        assert self._number is not None  # noqa: S101 - it packed them
        return {
            "kind": "table",
            "dtype": self._number.dtype,
            "rows": rows,
            "index": row_labels,
            "names": self._labels,
            "buffer": buffers.add(cells),
        }

    def from_table(self, table: Table, buffers: Buffers) -> Node:
        """Return what the data frame formats become.

        Raises:
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: columns are missing or of other types.
        """
        numbers = self._as_numbers(table, buffers)
        if numbers is not None:
            return numbers
        found = dict(zip(table.labels, table.columns))
        reading = self._read(found, in_frames, buffers)
        reading.check_twice(((field.name, field) for field in self.fields), table.labels)
        return reading.frame(table.rows, table.row_labels)

    def from_texts(self, table: Table, buffers: Buffers) -> Node:
        """Return what CSV becomes.

        Raises:
            MalformedBody: the signature has columns that CSV cannot say.
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: columns are missing or of other types.
        """
        check_scalars(self.fields)
        by_name = {field.name: field for field in self.fields}
        fields = [by_name.get(label) for label in table.labels]
        check_missing_booleans(table, fields)
        return as_read_csv(self.from_table(texts_of(table, fields), buffers), fields)

    def from_row(self, values: Record, buffers: Buffers) -> Node:
        """Return what a body becomes that is the input itself; nothing in it is cast.

        Raises:
            SchemaViolation: columns are missing, of other types or of unequal lengths.
        """
        is_row = self._holds_lists or are_cells(values)
        if not is_row and has_objects(values):
            self._check_missing(values)
            raise SchemaViolation("an object beside columns")
        return self._from_columns(values, buffers, is_row=is_row, how=in_rows)

    def from_inputs(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``inputs`` becomes (``_cast_schema_type``).

        Raises:
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: columns are missing, of other types or of unequal lengths.
        """
        if isinstance(value, dict):
            return self._from_object(value, buffers)
        has_objects = isinstance(value, list) and any(isinstance(item, dict) for item in value)
        if len(self.fields) == 1 and isinstance(value, list) and not has_objects:
            return self._from_object({self.fields[0].name: value}, buffers)
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return self._from_records(value, buffers)
        self._check_nameless(value)
        raise SchemaViolation("values without names, where all columns have one")

    def from_instances(self, value: Any, buffers: Buffers) -> Node:
        """Return what ``instances`` becomes (``parse_instances_data``).

        Raises:
            MalformedBody: rows that are no objects beside some that are, or columns of unequal lengths.
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: columns are missing or of other types, or the rows have different keys.
        """
        if isinstance(value, dict):
            self._check_lengths(value)
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            return self.from_inputs(value, buffers)
        if not all(isinstance(row, dict) for row in value):
            raise MalformedBody("'instances' has objects beside other values")
        if any(isinstance(field.type, Array) for field in self.fields):
            keys = keys_of(value)
            return self.from_table(Table(keys, columns_of(value, keys), len(value)), buffers)
        return self._from_instances(value, buffers)

    def _from_instances(self, rows: list[Record], buffers: Buffers) -> Node:
        columns = {key: [row[key] for row in rows if key in row] for key in keys_of(rows)}
        self._check_lengths(columns)
        self._check_extras(columns)
        reading = self._read(columns, in_values, buffers)
        check_keys(rows)
        return reading.frame(len(rows))

    def _from_records(self, rows: list[Record], buffers: Buffers) -> Node:
        keys = keys_of(rows)
        numbers = self._as_numbers(Table(keys, columns_of(rows, keys), len(rows)), buffers) if rows else None
        if numbers is not None:
            return numbers
        for key in self._extras(keys):
            for row in rows:
                check_array(key, row.get(key))
        return self._read(dict(zip(keys, columns_of(rows, keys))), in_records, buffers).frame(len(rows))

    def _from_object(self, values: Mapping[Any, Any], buffers: Buffers) -> Node:
        """Read columns by name; single values where there are no lists, or where lists are the values."""
        self._check_extras(values)
        self._check_maps(values)
        is_row = self._holds_lists or all(map(self._is_one_cell, values, values.values()))
        node = self._from_columns(values, buffers, is_row=is_row, how=in_records if is_row else in_values)
        if is_row and not self._holds_lists and self._extras(values):
            raise SchemaViolation("single values beside others that the signature does not have")
        if not self._holds_lists and self._has_objects(values):
            raise SchemaViolation("an object as a column; send rows")
        return node

    def _from_columns(self, values: Mapping[Any, Any], buffers: Buffers, *, is_row: bool, how: How) -> Node:
        columns, rows = as_columns(values, is_row=is_row)
        reading = self._read(columns, how, buffers)
        if len({len(cells) for cells in columns.values()}) > 1:
            raise SchemaViolation("columns of unequal lengths")
        return reading.frame(rows)

    def _check_nameless(self, value: Any) -> None:
        """Read values without names, as MLflow does: as the first column's type, and then it forgets them."""
        first = self.fields[0]
        try:
            _, singles = flatten(value)
        except Unreadable as problem:
            raise UnreadableValue(f"column {first.name!r} ({first.type}): {problem}") from problem
        if first.type == Scalar("datetime"):  # NumPy makes times of booleans
            singles = [single for single in singles if not isinstance(single, bool)]
        cells = singles if isinstance(first.type, Scalar) else [value]
        if first.type not in ANYTHING_GOES:
            check_cells(first.name, first.type, first.rule.from_values, cells)
        self._check_missing(())

    def _read(self, columns: Mapping[Any, Cells], how: How, buffers: Buffers) -> Reading:
        """Read those of *columns* that the signature names, in its order.

        Raises:
            UnreadableValue: a cell cannot be read as its column's type.
            SchemaViolation: a required column is missing.
        """
        reading = Reading(buffers)
        for field in self.fields:
            if field.name in columns:
                reading.add(field.name, field.type, how(field), columns[field.name])
        reading.check_readable()
        self._check_missing(columns)
        return reading

    @cached_property
    def _holds_lists(self) -> bool:
        return any(field.is_list_like for field in self.fields)

    def _extras(self, names: Iterable[Any]) -> list[Any]:
        known = self._names
        return [name for name in names if name not in known]

    def _check_extras(self, values: Mapping[Any, Any]) -> None:
        for name in self._extras(values):
            check_array(name, values[name])

    def _is_one_cell(self, name: Any, value: Any) -> bool:
        """Tell whether *value* is no list of cells; MLflow leaves what may be anything as it is."""
        if not isinstance(value, list):
            return True
        field = next((field for field in self.fields if field.name == name), None)
        return field is not None and isinstance(field.type, Anything) and are_cells({name: value})

    def _check_maps(self, values: Mapping[Any, Any]) -> None:
        for field in self.fields:
            if isinstance(field.type, Map) and field.name in values:
                check_cells(field.name, field.type, field.rule.from_values, [values[field.name]])

    def _has_objects(self, values: Mapping[Any, Any]) -> bool:
        """Tell whether there are objects that MLflow would take for columns labelled by their keys."""
        return any(
            isinstance(field.type, (Map, Anything)) and isinstance(values.get(field.name), dict)
            for field in self.fields
        )

    def _check_missing(self, present: Iterable[Any]) -> None:
        names = set(present)
        missing = [field.name for field in self.fields if field.is_required and field.name not in names]
        if missing:
            raise SchemaViolation(f"model is missing inputs {missing!r}")

    def _check_lengths(self, columns: Mapping[Any, Any]) -> None:
        """Refuse ``instances`` whose required columns differ in length."""
        required = {
            field.name for field in self.fields if field.is_required and not isinstance(field.type, Array)
        }
        if len(lengths_of({name: cells for name, cells in columns.items() if name in required})) > 1:
            raise MalformedBody("the columns in 'instances' have unequal lengths")
