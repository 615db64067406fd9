"""CSV to a table, with the conventions of ``pd.read_csv``.

It is read here, by the types of the signature, rather than by pandas: pandas refuses times and knows
nothing of base64, so that MLflow's server takes no CSV for models with times or tensors.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from lading_runtime.errors import MalformedBody
from lading_runtime.schema.cells import ABSENT, Absent
from lading_runtime.schema.table import Table

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
    header, *rows = _read_rows(decode_csv(body)) or [[]]
    if not header:
        raise MalformedBody("the CSV has no columns")
    if any(len(row) > len(header) for row in rows):
        raise MalformedBody(f"the CSV has {len(header)} columns, and a row with more cells")
    cells = [[_cell(row, position) for row in rows] for position in range(len(header))]
    return Table(_unique(header), cells, len(rows))


def _read_rows(text: str) -> list[list[str]]:
    """Return all rows but lines that are blank."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines)
    try:
        return [row for row in reader if len(row) > 1 or lines[reader.line_num - 1].strip(BLANK)]
    except csv.Error as error:
        raise MalformedBody("the CSV cannot be read") from error


def _cell(row: list[str], position: int) -> str | Absent:
    cell = row[position] if position < len(row) else ""
    return ABSENT if cell in MISSING else cell


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
