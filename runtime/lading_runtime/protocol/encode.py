"""A prediction to a response's body."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from math import prod
from typing import Any

import orjson

from lading_runtime.payload import Node
from lading_runtime.wire import Buffer

CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
"""How `struct` spells NumPy's dtypes of numbers."""

BYTE_ORDERS = {"<": "<", ">": ">", "|": "=", "=": "="}

OWN = "<" if sys.byteorder == "little" else ">"
CASTABLE: dict[str, Any] = {
    order + width: code for width, code in CODES.items() if code != "e" for order in (OWN, "|", "=")
}
"""The dtypes that `memoryview` reads, too, in half of the time; it knows no arrays without cells."""


def encode(value: Node, buffers: Sequence[Buffer], *, is_wrapped: bool) -> bytes:
    """Return the body that says *value*, which is a prediction as the model process sends it.

    NaN and the infinities become null, because JSON has no word for them.
    """
    buffer = buffers[value["buffer"]]
    text = bytes(buffer) if value["kind"] == "json" else encode_array(value["dtype"], value["shape"], buffer)
    return b'{"predictions": ' + text + b"}" if is_wrapped else text


def encode_array(dtype: str, shape: list[int], buffer: Buffer) -> bytes:
    """Return numbers in C order as nested JSON lists; 32-bit floats say all digits of their 64-bit value."""
    code = CASTABLE.get(dtype)
    if code is not None and all(shape):
        return orjson.dumps(memoryview(buffer).cast(code, shape).tolist())
    layout = f"{BYTE_ORDERS[dtype[0]]}{prod(shape)}{CODES[dtype[1:]]}"
    return orjson.dumps(_nested(struct.unpack(layout, buffer), shape))


def _nested(numbers: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return *numbers* as lists of lists of the given shape; a single number where it has no dimensions."""
    if not shape:
        return numbers[0]
    for dimension in range(len(shape) - 1, 0, -1):
        width = shape[dimension]
        rows = range(prod(shape[:dimension]))
        numbers = [numbers[row * width : (row + 1) * width] for row in rows]
    return numbers
