"""A data frame as it came out of a body, before a signature has been asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, NamedTuple

from lading_runtime.errors import MalformedBody
from lading_runtime.schema.cells import ABSENT, Cells

Record = dict[str, Any]


class Table(NamedTuple):
    """Columns of equal lengths."""

    labels: Sequence[Any]
    """Texts, or whatever else JSON gave; 0, 1, … where it named none."""

    columns: Sequence[Cells]
    """One for each label."""

    rows: int

    row_labels: list[Any] | None = None
    """The index, if the body gave any."""


BLOCK_ROWS = 4096
"""How many rows are transposed at a time: `zip` has an iterator for each of its arguments."""


def transpose(rows: Sequence[Sequence[Any]], width: int) -> list[Cells]:
    """Return the columns of *rows*, each of which has *width* cells."""
    if len(rows) <= BLOCK_ROWS:
        return list(zip(*rows))
    columns: list[list[Any]] = [[] for _ in range(width)]
    for start in range(0, len(rows), BLOCK_ROWS):
        for column, cells in zip(columns, zip(*rows[start : start + BLOCK_ROWS])):
            column.extend(cells)
    return [*columns]


SPARE_CELLS = 1 << 24
MAX_CELLS_PER_GIVEN = 4


def check_gaps(cells: int, given: Iterable[int]) -> None:
    """Refuse a table that would be little but gaps.

    A megabyte of records can name a hundred thousand columns, each in a row of its own: ten thousand
    million cells, for which no computer has the memory.

    Args:
        cells: of the table.
        given: how many of them there are in the body, in each part of it.

    Raises:
        MalformedBody: many cells, and most of them are not in the body.
    """
    if cells > SPARE_CELLS and cells > MAX_CELLS_PER_GIVEN * sum(given):
        raise MalformedBody(f"the rows are too different: {cells} cells, of which few are given")


def keys_of(records: Sequence[Record]) -> list[str]:
    """Return all keys, in the order in which they first appear.

    Raises:
        MalformedBody: the records have hardly any keys in common.
    """
    first = list(records[0]) if records else []
    if all(list(record) == first for record in records):
        return first
    keys = list(dict.fromkeys(key for record in records for key in record))
    check_gaps(len(records) * len(keys), map(len, records))
    return keys


def columns_of(records: Sequence[Record], keys: Iterable[Any]) -> list[Cells]:
    """Return a column for each of *keys*, `ABSENT` where a record has no such key."""
    names = list(keys)
    if len(names) > 1 and records:
        with suppress(KeyError):  # mostly each record has each key, and a row is taken in one call
            return transpose(list(map(itemgetter(*names), records)), len(names))
    return [[record.get(key, ABSENT) for record in records] for key in names]
