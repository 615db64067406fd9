"""The columns of one request while they are read: what they became, and what is wrong with them.

The order in which MLflow looks is kept, because it decides which error a client gets: first all cells
are read as the types of their columns (`UnreadableValue`), then columns are missed, then types are
enforced (`SchemaViolation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lading_runtime.errors import SchemaViolation, UnreadableValue
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import Cells, flatten
from lading_runtime.schema.datatypes import Anything, Array, Column, DataType, Label, Object, Scalar
from lading_runtime.schema.nested import Nested, Unruled
from lading_runtime.schema.numbers import NUMBERS
from lading_runtime.schema.refusals import Unfit, Unreadable
from lading_runtime.schema.scalars import RULES
from lading_runtime.schema.table import Record, check_gaps

DTYPES = frozenset({*(number.dtype for number in NUMBERS.values()), "|b1"})
"""Column types that are NumPy's dtypes, so that several columns of one can share a buffer."""

ASKED_FOR_DTYPE = frozenset({Scalar("string"), Scalar("datetime")})
"""Types whose columns pandas must know as one column before anything is cast."""

PLAIN_TYPES = frozenset(Scalar(name) for name in (*NUMBERS, "boolean", "binary"))
"""Types whose cells come out the same however a body's large integers were read."""


class Rule(Protocol):
    """How the cells of a column become a node (without its name)."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of the data frame formats as a column."""
        ...

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of ``inputs`` or ``instances`` as a column."""
        ...


Read = Callable[[Cells, Buffers], Node]
"""One of the two, or another way to read cells."""


@dataclass(frozen=True)
class Field:
    """A column of a signature with its rules."""

    name: Label
    """Its position where the signature has no names."""

    type: DataType
    is_required: bool
    rule: Rule

    @property
    def is_list_like(self) -> bool:
        """Whether its cells are lists or objects, so that a request in column form is one row."""
        return isinstance(self.type, (Array, Object))


def compile_fields(columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return *columns* with their rules."""
    return tuple(
        Field(
            position if column.name is None else column.name, column.type, column.is_required, _rule(column)
        )
        for position, column in enumerate(columns)
    )


def _rule(column: Column) -> Rule:
    if isinstance(column.type, Scalar):
        return RULES[column.type.name]
    return Unruled() if isinstance(column.type, Anything) else Nested(column.type, column.is_required)


class Reading:
    """Columns that are being read into the buffers of a payload."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._start = len(buffers)
        self._columns: list[Node] = []
        self._unreadable: list[str] = []
        self._misfits: list[str] = []

    def add(self, label: Any, data_type: DataType, read: Read, cells: Cells) -> None:
        """Read *cells* as a column of *data_type*; what is wrong with them is said when all are read."""
        try:
            self._columns.append({"name": label, **read(cells, self._buffers)})
        except Unreadable as problem:
            self._unreadable.append(f"column {label!r} ({data_type}): {problem}")
        except Unfit as problem:
            self.blame(label, f"({data_type}): {problem}")

    def check_readable(self) -> None:
        """Return if all cells could be read.

        Raises:
            UnreadableValue: some could not; the message names their columns.
        """
        if self._unreadable:
            raise UnreadableValue("; ".join(self._unreadable))

    def blame(self, label: Any, problem: str) -> None:
        """Remember what is wrong with a column, to be said when all are read."""
        self._misfits.append(f"column {label!r} {problem}")

    def check_twice(self, fields: Iterable[tuple[Any, Field]], labels: Sequence[Any]) -> None:
        """Blame the columns of *fields* whose label appears more than once among *labels*."""
        for label, field in fields if _has_doubles(labels) else ():
            if labels.count(label) > 1:
                # MLflow notices these while it casts, others when it enforces.
                blamed = self._unreadable if field.type in ASKED_FOR_DTYPE else self._misfits
                blamed.append(f"column {label!r} appears more than once")

    def frame(self, rows: int, index: list[Any] | None = None) -> Node:
        """Return a data frame of the columns.

        Raises:
            UnreadableValue: cells cannot be read as the types of their columns.
            SchemaViolation: columns could be read, but are not what the signature declares.
        """
        self.check_readable()
        if self._misfits:
            raise SchemaViolation("; ".join(self._misfits))
        dtypes = {column["type"] for column in self._columns}
        if len(dtypes) == 1 and dtypes <= DTYPES:
            return {"kind": "table", "dtype": dtypes.pop(), "rows": rows, "index": index, **self._joined()}
        return {"kind": "frame", "columns": self._columns, "rows": rows, "index": index}

    def _joined(self) -> Node:
        """Put the columns into one buffer, because a DataFrame of one dtype is one block of memory."""
        parts = self._buffers[self._start :]
        del self._buffers[self._start :]
        names = [column["name"] for column in self._columns]
        joined = parts[0] if len(parts) == 1 else b"".join(parts)
        return {"names": names, "buffer": self._buffers.add(joined)}


def _has_doubles(labels: Sequence[Any]) -> bool:
    return len(set(labels)) < len(labels)


def check_cells(label: Any, data_type: DataType, read: Read, cells: Cells) -> None:
    """Return if *cells* can be read as a column of *data_type*.

    Raises:
        UnreadableValue: they cannot.
    """
    reading = Reading(Buffers())
    reading.add(label, data_type, read, cells)
    reading.check_readable()


def check_array(label: Any, value: Any) -> None:
    """Refuse a value outside the signature that cannot be an array: MLflow makes one of it all the same.

    Raises:
        UnreadableValue: it is lists of unequal lengths.
    """
    try:
        flatten(value)
    except Unreadable as problem:
        raise UnreadableValue(f"column {label!r}: {problem}") from problem


def check_keys(rows: Sequence[Record]) -> None:
    """Refuse ``instances`` with different keys: MLflow would slide their values into each other's rows.

    Raises:
        SchemaViolation: there are such.
    """
    if len({frozenset(row) for row in rows}) > 1:
        raise SchemaViolation("the rows in 'instances' have different keys; send them as 'inputs'")


def lengths_of(values: Mapping[Any, Any]) -> set[int]:
    """Return the lengths of those *values* that are lists."""
    return {len(value) for value in values.values() if isinstance(value, list)}


def has_objects(values: Mapping[Any, Any]) -> bool:
    """Tell whether one of *values* is an object."""
    return any(isinstance(value, dict) for value in values.values())


def are_cells(values: Mapping[Any, Any]) -> bool:
    """Tell whether MLflow takes *values*, by column, for one row: single values and lists of texts."""
    return all(_is_one_cell(value) for value in values.values())


def _is_one_cell(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return not isinstance(value, dict)


def as_columns(values: Mapping[Any, Any], *, is_row: bool) -> tuple[dict[Any, Cells], int]:
    """Return *values* as columns, and how many rows they have.

    Each is one cell if *is_row*; else lists are columns, and single values are repeated beside them.

    Raises:
        MalformedBody: very many values would be repeated.
    """
    rows = 1 if is_row else min(lengths_of(values), default=1)
    sizes = (len(value) if isinstance(value, list) else 1 for value in values.values())
    check_gaps(rows * len(values), sizes)
    columns: dict[Any, Cells] = {
        name: value if isinstance(value, list) and not is_row else [value] * rows
        for name, value in values.items()
    }
    return columns, rows
