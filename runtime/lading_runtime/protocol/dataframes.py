"""``dataframe_split`` and ``dataframe_records``: JSON to a table, as ``pd.DataFrame`` reads it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lading_runtime.errors import MalformedBody
from lading_runtime.schema.cells import Cells, json_type
from lading_runtime.schema.table import Table, check_gaps, columns_of, keys_of, transpose

NESTED = frozenset([list, dict])
SPLIT_KEYS = {"columns", "data", "index"}


def check_split(split: Any) -> dict[str, Any]:
    """Return *split* if it has the members of a split data frame.

    Raises:
        MalformedBody: it has not, or an index that does not label each row.
    """
    if not isinstance(split, dict):
        raise MalformedBody(f"'dataframe_split' must be an object, not {json_type(split)}")
    if "data" not in split or not split.keys() <= SPLIT_KEYS:
        raise MalformedBody(
            "'dataframe_split' must have 'data' and may have 'columns' and 'index', nothing else"
        )
    data, index = split["data"], split.get("index")
    if isinstance(data, list) and isinstance(index, list) and len(index) != len(data):
        raise MalformedBody("the index of 'dataframe_split' must have one label for each row")
    return split


def check_records(records: Any) -> list[Any]:
    """Return *records* if it is a list.

    Raises:
        MalformedBody: it is none.
    """
    if not isinstance(records, list):
        raise MalformedBody(f"'dataframe_records' must be a list of records, not {json_type(records)}")
    return records


def check_gaps_of_frame(data: Any, columns: Any = None, index: Any = None) -> None:
    """Refuse data of which pandas would make little but missing and repeated cells.

    Raises:
        MalformedBody: they are such.
    """
    parts = data if isinstance(data, list) else list(data.values()) if isinstance(data, dict) else []
    keys = keys_of([part for part in parts if isinstance(part, dict)])
    widest = max(len(keys), *map(_size, parts), 1, 1)
    if isinstance(data, list):
        height, width = len(data), max(widest, _size(columns))
    else:
        height, width = max(widest, _size(index)), max(len(parts), _size(columns))
    check_gaps(height * width, map(_size, [columns, index, parts, *parts]))


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def table_of_split(split: Any) -> Table:
    """Return a split data frame.

    Raises:
        MalformedBody: it is none.
    """
    split = check_split(split)
    columns, index = split.get("columns"), split.get("index")
    data = [] if split["data"] is None else split["data"]
    _check_labels("columns", columns)
    _check_labels("index", index)
    if isinstance(data, dict):
        return _table_of_columns(data, columns, index)
    if not isinstance(data, list):
        raise MalformedBody(f"the data of 'dataframe_split' must be a list, not {json_type(data)}")
    return _table_of_rows(data, columns, index)


def table_of_records(records: Any) -> Table:
    """Return a data frame of records.

    Raises:
        MalformedBody: it is none.
    """
    return _table_of_rows(check_records(records), None, None)


def _check_labels(what: str, labels: Any) -> None:
    if labels is None:
        return
    if not isinstance(labels, list) or not NESTED.isdisjoint(map(type, labels)):
        raise MalformedBody(f"the {what} of 'dataframe_split' must be a list of labels")


def _table_of_columns(data: dict[str, Any], columns: list[Any] | None, index: list[Any] | None) -> Table:
    """Return a table of columns by name; of those that *columns* does not list pandas takes no notice."""
    labels = list(data) if columns is None else columns
    listed = {label: data[label] for label in labels if label in data}
    if not all(isinstance(cells, list) for cells in listed.values()):
        raise MalformedBody("the data of 'dataframe_split' must be a list, or have a list for each column")
    lengths = set(map(len, listed.values())) or {len(index or ())}
    rows = lengths.pop()
    if lengths or (index is not None and len(index) != rows):
        raise MalformedBody("the data of 'dataframe_split' have columns of unequal lengths")
    check_gaps(rows * len(labels), [len(labels), rows * len(listed)])
    return Table(labels, [listed.get(label, [None] * rows) for label in labels], rows, index)


def _table_of_rows(rows: list[Any], columns: list[Any] | None, index: list[Any] | None) -> Table:
    """Return a table of *rows*: lists, objects or single values, but only one of these."""
    kinds = set(map(type, rows))
    if kinds == {dict}:
        labels: Sequence[Any] = keys_of(rows) if columns is None else columns
        check_gaps(len(rows) * len(labels), chain([len(labels)], map(len, rows)))
        return Table(labels, columns_of(rows, labels), len(rows), index)
    if kinds == {list}:
        cells = _transposed(rows)
    elif rows and isinstance(rows[0], (list, dict)):
        raise MalformedBody("rows of different kinds")
    else:
        cells = [rows] if rows else [[] for _ in columns or ()]
    if columns is not None and len(columns) != len(cells):
        raise MalformedBody(f"{len(columns)} columns for rows of {len(cells)} cells")
    return Table(range(len(cells)) if columns is None else columns, cells, len(rows), index)


def _transposed(rows: list[list[Any]]) -> list[Cells]:
    """Return the columns of *rows*; shorter rows are filled up with null."""
    if len(rows) == 1:
        return [(cell,) for cell in rows[0]]
    lengths = list(map(len, rows))
    width = max(lengths)
    check_gaps(len(rows) * width, lengths)
    if min(lengths) < width:
        rows = [row if len(row) == width else row + [None] * (width - len(row)) for row in rows]
    return transpose(rows, width)
