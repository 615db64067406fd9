"""The rules of columns of single values: what becomes what, and what is refused.

There are two sets of rules, because MLflow's server has two. ``dataframe_split``, ``dataframe_records``
and CSV go through pandas (``mlflow.utils.proto_json_utils.cast_df_types_according_to_schema``):
`from_frame`. ``inputs`` and ``instances`` go through NumPy (``convert_data_type``): `from_values`.
Both are followed by ``mlflow.models.utils._enforce_mlflow_datatype``, which has little left to refuse.

Where MLflow would change a value in silence (cut a fraction off, wrap an integer around, read
``"maybe"`` as true) the cell is refused.
"""

from __future__ import annotations

import base64
import math
import re
from datetime import datetime, timedelta
from typing import Any, Protocol

from lading_runtime.payload import MISSING_BOOLEAN, Buffers, Node
from lading_runtime.schema.cells import (
    ABSENT,
    Cells,
    absent_rows,
    dump_cells,
    flatten,
    has_absent,
    json_type,
)
from lading_runtime.schema.numbers import NUMBERS
from lading_runtime.schema.refusals import Unfit, Unreadable


class ScalarRule(Protocol):
    """How the cells of one type become a column node (without its name)."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of the data frame formats as a column.

        Raises:
            Unreadable: a cell cannot be read as this type.
            Unfit: the column is not what the signature declares.
        """
        ...

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of ``inputs`` or ``instances`` as a column.

        Raises:
            Unreadable: a cell cannot be read as this type.
            Unfit: the column is not what the signature declares.
        """
        ...


# --- booleans ---

TEXTS_OF_BOOLEANS = {"true": 1, "false": 0, "": 0}


def exact_boolean(cell: Any) -> int:
    """Return 1 or 0 for what *cell* says, or `MISSING_BOOLEAN`.

    Raises:
        Unreadable: it says neither. MLflow takes any text, list or object for true.
    """
    if cell is None or cell is ABSENT:
        return MISSING_BOOLEAN
    if isinstance(cell, str):
        try:
            return TEXTS_OF_BOOLEANS[cell.lower()]
        except KeyError:
            raise Unreadable("a text that says no boolean") from None
    if isinstance(cell, float) and math.isnan(cell):
        return MISSING_BOOLEAN
    if isinstance(cell, (int, float)):
        return int(bool(cell))
    raise Unreadable(f"{json_type(cell)} instead of a boolean")


def pack_booleans(cells: Cells) -> bytes:
    """Return a byte per cell."""
    try:
        return bytes(cells) if set(cells) <= {0, 1} else bytes(map(exact_boolean, cells))
    except TypeError:  # a list, which no set can hold, or 1.0, which is no byte
        return bytes(map(exact_boolean, cells))


class Boolean:
    """The rules of booleans."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of booleans; pandas shows null as NaN among numbers and among texts."""
        return self._column(cells, buffers, scalars="python", missing=self._missing(cells))

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of booleans, NumPy's own beside missing ones."""
        return self._column(cells, buffers, scalars="numpy", missing="nan" if has_absent(cells) else "none")

    def _column(self, cells: Cells, buffers: Buffers, *, scalars: str, missing: str) -> Node:
        packed = pack_booleans(cells)
        node = {"type": "|b1", "buffer": buffers.add(packed)}
        if MISSING_BOOLEAN not in packed:
            return node
        return {**node, "type": "boolean", "scalars": scalars, "missing": missing}

    def _missing(self, cells: Cells) -> str:
        kinds = {type(cell) for cell in cells} - {type(None)}
        is_nan = kinds and (kinds <= {int, float} or kinds == {str} or type(ABSENT) in kinds)
        return "nan" if is_nan else "none"


# --- texts, bytes, times ---


class Text:
    """The rules of texts: a data frame keeps cells of any kind, `inputs` says them as texts."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the cells as they are."""
        return as_read_by_pandas("text", cells, buffers)

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the cells as texts."""
        flatten(list(cells))
        return {"type": "string", "buffer": buffers.add(dump_cells(cells)), "arrays": False}

    def from_records(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells that were read one by one: a list among them is an array of its own."""
        return {"type": "string", "buffer": buffers.add(dump_cells(cells)), "arrays": True}


def as_read_by_pandas(kind: str, cells: Cells, buffers: Buffers) -> Node:
    """Return a column whose cells only pandas can say the dtype of."""
    return {"type": kind, "buffer": buffers.add(dump_cells(cells)), "absent": absent_rows(cells)}


def decode_base64(cell: Any) -> bytes:
    """Return the bytes that *cell* stands for; white space in it does not matter.

    Raises:
        Unreadable: it is no base64 text.
    """
    if not isinstance(cell, str):
        raise Unreadable(f"{json_type(cell)} instead of base64 text")
    try:
        return base64.b64decode("".join(cell.split()), validate=True)
    except ValueError:
        raise Unreadable("a text that is not base64") from None


class Binary:
    """The rules of bytes: base64 in every format."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of bytes; MLflow takes no null here."""
        return self._column([decode_base64(cell) for cell in cells], buffers)

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of bytes and nulls."""
        empty = (None, ABSENT)
        return self._column([None if cell in empty else decode_base64(cell) for cell in cells], buffers)

    def _column(self, values: list[bytes | None], buffers: Buffers) -> Node:
        lengths = [-1 if value is None else len(value) for value in values]
        return {"type": "binary", "buffer": buffers.add(b"".join(filter(None, values))), "lengths": lengths}


ZONED_TIME = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(?P<rest>(:\d\d(\.\d+)?)?)"
    r" ?(?P<zone>[Zz]|[+-]\d\d(:?\d\d)?)"
)
SHORT_YEAR = re.compile(r"\d{1,3}")


def in_utc(cell: Any) -> Any:
    """Return a time with an offset as the same time in UTC, said without one; anything else as it is."""
    found = ZONED_TIME.fullmatch(cell) if isinstance(cell, str) else None
    if found is None or found["zone"] in "Zz":
        return cell if found is None else found["minute"] + found["rest"]
    zone = found["zone"].replace(":", "").ljust(5, "0")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
    try:
        minute = datetime.fromisoformat(found["minute"]) - offset
    except (ValueError, OverflowError):
        raise Unreadable("no date") from None
    return minute.isoformat(found["minute"][10], "minutes") + found["rest"]


class Time:
    """The rules of times. Only pandas and NumPy know how they read them, so the model process asks them."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells that pandas will read."""
        times = [in_utc(cell) for cell in cells]
        return {"type": "time", "by": "pandas", "buffer": buffers.add(dump_cells(times))}

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells that NumPy will read, without those that it reads in a way that no one means."""
        shape, singles = flatten(list(cells))
        times = [self._checked(in_utc(cell)) for cell in singles]
        if len(shape) > 1:
            raise Unfit("lists where single times belong")
        return {"type": "time", "by": "numpy", "buffer": buffers.add(dump_cells(times))}

    def _checked(self, cell: Any) -> Any:
        if isinstance(cell, str) and SHORT_YEAR.fullmatch(cell):
            raise Unreadable("a year before 1000 instead of a time")
        if isinstance(cell, (bool, float, dict)):
            raise Unreadable(f"{json_type(cell)} instead of a time")
        return cell


RULES: dict[str, ScalarRule] = {
    **NUMBERS,
    "boolean": Boolean(),
    "string": Text(),
    "binary": Binary(),
    "datetime": Time(),
}
"""The rules of each scalar type of a signature."""
