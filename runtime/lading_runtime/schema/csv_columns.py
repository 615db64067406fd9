"""What ``pd.read_csv`` does to the columns of a signature that other formats do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lading_runtime.errors import MalformedBody, UnreadableValue
from lading_runtime.payload import Node
from lading_runtime.schema.cells import has_absent
from lading_runtime.schema.datatypes import DataType, Scalar
from lading_runtime.schema.numbers import NUMBERS, as_read_by_read_csv
from lading_runtime.schema.reading import Field
from lading_runtime.schema.table import Table

DTYPES: dict[DataType, str] = {
    Scalar("boolean"): "bool",
    Scalar("integer"): "int32",
    Scalar("long"): "int64",
    Scalar("float"): "float32",
    Scalar("double"): "float64",
    Scalar("string"): "object",
    Scalar("binary"): "object",
}
"""``DataType.to_pandas`` of those types that ``pd.read_csv`` reads."""


def check_scalars(fields: Iterable[Field]) -> None:
    """Refuse CSV for a signature of more than single values.

    Raises:
        MalformedBody: it is.
    """
    if not all(isinstance(field.type, Scalar) for field in fields):
        raise MalformedBody("CSV has no lists and objects, which this model's signature has")


def dtypes_by_label(fields: Sequence[Field]) -> dict[Any, str]:
    """Return what a model with a type hint has ``pd.read_csv`` read; its one column has a position.

    Raises:
        MalformedBody: there is a column that pandas cannot read so.
    """
    check_scalars(fields)
    if any(field.type not in DTYPES for field in fields):
        raise MalformedBody("pandas reads no times in CSV, which this model's type hint has")
    return {field.name: DTYPES[field.type] for field in fields}


def texts_of(table: Table, fields: Sequence[Field | None]) -> Table:
    """Return *table* with the texts of numbers as they are seen; *fields* are those of its columns."""
    columns = [
        as_read_by_read_csv(cells) if field is not None and str(field.type) in NUMBERS else cells
        for field, cells in zip(fields, table.columns)
    ]
    return Table(table.labels[: len(columns)], columns, table.rows)


def check_missing_booleans(table: Table, fields: Sequence[Field | None]) -> None:
    """Refuse missing booleans, as pandas does; MLflow's server takes no CSV with times, where they may be.

    Raises:
        UnreadableValue: there are some.
    """
    for label, field, cells in zip(table.labels, fields, table.columns) if is_read_by_pandas(fields) else ():
        if field is not None and field.type == Scalar("boolean") and has_absent(cells):
            raise UnreadableValue(f"column {label!r} (boolean): a missing value")


def as_read_csv(frame: Node, fields: Iterable[Field | None]) -> Node:
    """Return *frame*, in which a text is an object, whatever pandas has for texts.

    *fields* are those of the CSV's columns.
    """
    for column in frame.get("columns", ()) if is_read_by_pandas(fields) else ():
        if column["type"] == "text":
            column["dtype"] = "object"
    return frame


def is_read_by_pandas(fields: Iterable[Field | None]) -> bool:
    """Tell whether MLflow's server takes such columns as CSV."""
    return not any(field is not None and field.type == Scalar("datetime") for field in fields)
