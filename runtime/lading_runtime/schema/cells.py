"""The cells of a column as they came out of a body, and their way into buffers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final

from lading_runtime.schema.refusals import Unreadable

Cells = Sequence[Any]
"""JSON values, and `ABSENT`."""


MAX_DIMENSIONS = 64
"""Of a NumPy array."""


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Stands where a row has no such key. pandas shows it as NaN, where it may keep a null as None."""


def absent_rows(cells: Cells) -> list[int]:
    """Return the rows that have no such key."""
    return [row for row, cell in enumerate(cells) if cell is ABSENT]


def has_absent(cells: Iterable[Any]) -> bool:
    """Tell whether a row has no such key."""
    return any(cell is ABSENT for cell in cells)


def dump(value: Any) -> bytes:
    """Return *value* as JSON text, NaN for each `ABSENT`; the model process reads it with `json`.

    So this is written with it, too: orjson refuses integers beyond 64 bits and lone surrogates, and
    turns NaN into null.

    Raises:
        Unreadable: it is nested deeper than that can read.
    """
    try:
        return json.dumps(value, check_circular=False, separators=(",", ":"), default=as_nan).encode()
    except RecursionError as error:
        raise Unreadable("nested too deep") from error


def as_nan(_absent: Absent) -> float:
    """Return what pandas shows `ABSENT` as; nothing else comes out of a body that JSON cannot say."""
    return math.nan


def dump_cells(cells: Cells) -> bytes:
    """Return *cells* as a JSON list, null for each `ABSENT`."""
    return dump([None if cell is ABSENT else cell for cell in cells])


def even_shape(value: Any) -> tuple[int, ...]:
    """Return the shape that ``np.array`` gives to objects: what is uneven further in are objects, too."""
    shape: list[int] = []
    level = [value]
    while level and all(isinstance(item, list) for item in level) and len(shape) < MAX_DIMENSIONS:
        lengths = set(map(len, level))
        if len(lengths) > 1:
            break
        shape.append(lengths.pop())
        level = list(chain.from_iterable(level))
    return tuple(shape)


def flatten(value: Any) -> tuple[tuple[int, ...], list[Any]]:
    """Return the shape that ``np.array`` gives to nested lists, and the single values in them, in order.

    A single value has the shape ().

    Raises:
        Unreadable: lists of unequal lengths, lists beside single values, or more levels than NumPy has.
    """
    if not isinstance(value, list):
        return (), [value]
    shape = [len(value)]
    level = value
    while list in (kinds := set(map(type, level))):
        lengths = set(map(len, level)) if kinds == {list} else set()
        if len(lengths) != 1:
            raise Unreadable("lists of unequal lengths")
        if len(shape) == MAX_DIMENSIONS:
            raise Unreadable("more nested lists than an array has dimensions")
        shape.append(lengths.pop())
        level = list(chain.from_iterable(level))
    return tuple(shape), level


JSON_TYPES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def json_type(cell: Any) -> str:
    """Return what *cell* is in JSON, for messages."""
    return JSON_TYPES.get(type(cell), "nothing")
