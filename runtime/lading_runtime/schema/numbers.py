"""The rules of columns and tensors of numbers: nothing is narrowed, cut or wrapped around in silence."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import ABSENT, Absent, Cells, flatten, json_type
from lading_runtime.schema.refusals import Unfit, Unreadable

MIN_INT64 = -(2**63)
INT64 = range(MIN_INT64, 2**63)
NULL = type(None)
GAPS = frozenset([NULL, Absent])
BLOCK_CELLS = 1 << 16
"""How many cells are packed at a time: each is an argument of a call."""

FLOAT = re.compile(r"\s*[+-]?(\d{1,15}\.\d*|\.\d+|\d{1,15}(?=[eE]))([eE][+-]?\d+)?\s*", re.ASCII)
NO_NUMBER = ""
"""Stands for what Python reads as a number and pandas does not."""

TEXTS_OF_CSV_BOOLEANS = {"true": 1, "True": 1, "TRUE": 1, "false": 0, "False": 0, "FALSE": 0}


def exact_integer(cell: Any) -> int:
    """Return *cell* as the integer that it says.

    Raises:
        Unreadable: it says none.
    """
    if isinstance(cell, float):
        if not cell.is_integer():
            raise Unreadable("a number with a fraction" if math.isfinite(cell) else "no finite number")
        if cell <= MIN_INT64:  # orjson reads integers below 64 bits as floats: this may be another number
            raise Unreadable("a number beyond 64 bits")
        return int(cell)
    if isinstance(cell, (int, str)):
        try:
            return int(cell)
        except ValueError:
            raise Unreadable("a text that is no integer") from None
    raise Unreadable(f"{json_type(cell)} instead of an integer")


def exact_float(cell: Any) -> float:
    """Return *cell* as the number that it says; null is NaN.

    Raises:
        Unreadable: it says none.
    """
    if cell is None or cell is ABSENT:
        return math.nan
    if isinstance(cell, (int, float, str)):
        try:
            return float(cell)
        except ValueError:
            raise Unreadable("a text that is no number") from None
        except OverflowError:
            raise Unreadable("a number beyond 64-bit floats") from None
    raise Unreadable(f"{json_type(cell)} instead of a number")


@dataclass(frozen=True)
class Number:
    """The rules of one width of integers or floats."""

    dtype: str
    """As NumPy spells it."""

    code: str
    """As `struct` spells it."""

    exact: Callable[[Any], Any]
    """Turns one cell of any kind into a number."""

    def pack(self, cells: Cells) -> bytes:
        """Return *cells* as numbers, one after the other.

        Raises:
            Unreadable: a cell is no such number.
        """
        if len(cells) <= BLOCK_CELLS:
            return self._pack(cells)
        starts = range(0, len(cells), BLOCK_CELLS)
        return b"".join([self._pack(cells[start : start + BLOCK_CELLS]) for start in starts])

    def layout(self, count: int) -> struct.Struct:
        """Return how so many numbers lie one after the other."""
        return struct.Struct(f"={count}{self.code}")

    def pack_plain(self, cells: Cells) -> bytes | None:
        """Return *cells* packed if each is a number of this kind already; None if one must be looked at."""
        if len(cells) > BLOCK_CELLS:
            return None
        try:
            return self.layout(len(cells)).pack(*cells)
        except (OverflowError, struct.error):
            return None

    def _pack(self, cells: Cells) -> bytes:
        layout = self.layout(len(cells))
        try:
            return layout.pack(*cells)
        except (OverflowError, struct.error):
            numbers = self._numbers(cells)
        try:
            return layout.pack(*numbers)
        except (OverflowError, struct.error):
            raise Unreadable(f"a number beyond {self.dtype[2:]} bytes") from None

    def _numbers(self, cells: Cells) -> list[Any]:
        if set(map(type, cells)) == {str}:  # a column of CSV
            with suppress(ValueError):
                return list(map(float if self.exact is exact_float else int, cells))
        return [self.exact(cell) for cell in cells]

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of numbers."""
        return {"type": self.dtype, "buffer": buffers.add(self.pack(cells))}

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of numbers; well-formed lists are read, but do not fit."""
        kinds = set(map(type, cells))
        if list in kinds:
            self._refuse_lists(cells)
        if Absent in kinds and self is not NUMBERS["double"]:
            self.pack([cell for cell in cells if cell is not ABSENT])
            raise Unfit("only 64-bit floats can be missing")
        return self.from_frame(cells, buffers)

    def _refuse_lists(self, cells: Cells) -> None:
        _, numbers = flatten(list(cells))
        self.pack(numbers)
        raise Unfit("lists where single numbers belong")


def as_read_by_read_csv(cells: Cells) -> Cells:
    """Return texts of numbers as ``pd.read_csv`` sees them.

    A column of nothing but booleans is 1 and 0, and an integer may be spelled as a float. Underscores and
    digits beyond ASCII, which Python takes, make no number.
    """
    if cells and cells[0] in TEXTS_OF_CSV_BOOLEANS and set(cells) <= TEXTS_OF_CSV_BOOLEANS.keys():
        return [TEXTS_OF_CSV_BOOLEANS[cell] for cell in cells]
    texts = "".join([cell for cell in cells if cell is not ABSENT])
    if "_" in texts or not texts.isascii():
        cells = [NO_NUMBER if cell is not ABSENT and is_beyond_pandas(cell) else cell for cell in cells]
    if not any(mark in texts for mark in ".eE"):
        return cells
    return [float(cell) if cell is not ABSENT and FLOAT.fullmatch(cell) else cell for cell in cells]


def is_beyond_pandas(cell: str) -> bool:
    """Tell whether *cell* has what ``pd.read_csv`` finds in no number."""
    return "_" in cell or not cell.isascii()


NUMBERS = {
    "integer": Number("<i4", "i", exact_integer),
    "long": Number("<i8", "q", exact_integer),
    "float": Number("<f4", "f", exact_float),
    "double": Number("<f8", "d", exact_float),
}


def as_series(cells: Cells) -> Cells:
    """Return the cells of a column of a data frame as ``pd.Series`` holds them.

    Integers beside fractions or gaps are floats, and gaps beside numbers NaN; whatever else is in a column
    leaves all of it as it is.
    """
    kinds = set(map(type, cells))
    if kinds in ({int}, {NULL}) or not kinds <= {int, float, *GAPS}:
        return cells
    if any(type(cell) is int and cell not in INT64 for cell in cells):
        return cells
    return [ABSENT if type(cell) in GAPS else float(cell) for cell in cells]
