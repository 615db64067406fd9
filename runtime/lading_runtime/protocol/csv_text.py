"""CSV to a table, with the conventions of ``pd.read_csv``.

It is read here, by the types of the signature, rather than by pandas: pandas refuses times and knows
nothing of base64, so that MLflow's server takes no CSV for models with times or tensors.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from lading_runtime.errors import MalformedBody
from lading_runtime.schema.cells import ABSENT, Absent
from lading_runtime.schema.table import BLOCK_ROWS, Table, check_gaps

MISSING = frozenset(
    {
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
        "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    }
)  # fmt: skip
"""What ``pd.read_csv`` reads as missing."""

BLANK = " \t\r\n"
MAX_FIELD_CHARACTERS = 2**31 - 1


def decode_csv(body: bytes) -> str:
    """Return the text of *body*.

    Raises:
        MalformedBody: it is not UTF-8.
    """
    try:
        return body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise MalformedBody("the CSV is not valid UTF-8") from error


def table_of_csv(body: bytes) -> Table:
    """Return the table that *body* says, every cell a text or `ABSENT`.

    Raises:
        MalformedBody: it has no columns, or a row with more cells than these.
    """
    text = decode_csv(body)
    rows = _read_rows(text)
    try:
        header = next(rows, [])
        _check_filled(text, len(header))
        columns: list[list[Any]] = [[] for _ in header]
        while block := list(islice(rows, BLOCK_ROWS)):
            for column, cells in zip(columns, zip(*_even(block, len(header)))):
                column.extend(_with_gaps(cells))
    except csv.Error as error:
        raise MalformedBody("the CSV cannot be read") from error
    if not header:
        raise MalformedBody("the CSV has no columns")
    return Table(_unique(header), columns, len(columns[0]))


def _read_rows(text: str) -> Iterator[list[str]]:
    """Return all rows but lines that are blank."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    if any(mark in text for mark in '" \t'):
        return _rows_but_blank_ones(Lines(text))
    return filter(None, csv.reader(io.StringIO(text, newline="")))


def _rows_but_blank_ones(lines: Lines) -> Iterator[list[str]]:
    for row in csv.reader(lines):
        if (
            lines.are_over
        ):  # only then is the reader still within quotes, and what is missing may be most of it
            raise csv.Error("a quote that does not end")
        if len(row) > 1 or lines.last.strip(BLANK):  # a cell of quoted blanks is not a blank line
            yield row


class Lines:
    """The lines of a text, one by one; there may be a hundred million."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.last = ""
        self.are_over = False
        """Whether one more was asked for than there are."""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        try:
            self.last = next(self._lines)
        except StopIteration:
            self.are_over = True
            raise
        return self.last


def check_gaps_of_csv(text: str) -> None:
    """Refuse a CSV of which pandas would make little but missing cells.

    Raises:
        MalformedBody: it is one, or cannot be read.
    """
    try:
        _check_filled(text, len(next(_read_rows(text), [])))
    except csv.Error as error:
        raise MalformedBody("the CSV cannot be read") from error


def _check_filled(text: str, width: int) -> None:
    lines = text.count("\n") + text.count("\r")
    check_gaps(lines * width, [lines, text.count(",")])


def _even(rows: list[list[str]], width: int) -> list[list[str]]:
    """Return *rows* with empty cells where one has too few."""
    lengths = set(map(len, rows))
    if lengths == {width}:
        return rows
    if max(lengths) > width:
        raise MalformedBody(f"the CSV has {width} columns, and a row with more cells")
    return [row + [""] * (width - len(row)) for row in rows]


def _with_gaps(cells: Sequence[str]) -> Sequence[str | Absent]:
    if MISSING.isdisjoint(cells):
        return cells
    return [ABSENT if cell in MISSING else cell for cell in cells]


def _unique(header: list[str]) -> list[str]:
    """Return *header* as pandas does: a number behind each name that stood before, and names for none."""
    seen: dict[str, int] = {}
    names: list[Any] = []
    for position, given in enumerate(header):
        name = given or f"Unnamed: {position}"
        count = seen.get(name, 0)
        seen[name] = count + 1
        names.append(f"{name}.{count}" if count else name)
    return names
