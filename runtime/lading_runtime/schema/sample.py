"""Values that fit a signature: what a request looks like for a model without an input example."""

from __future__ import annotations

from math import prod
from typing import Any

from lading_runtime.schema.datatypes import Array, DataType, Map, Object, Scalar, Tensor

SCALARS: dict[str, Any] = {
    "boolean": True,
    "integer": 1,
    "long": 1,
    # Elements of lists are not cast: 1.0, which JSON programs may shorten to 1, would be no double there.
    "float": 0.5,
    "double": 0.5,
    "string": "text",
    "binary": "bGFkaW5n",
    "datetime": "2024-01-31T12:00:00",
}

MAX_ELEMENTS = 4096
"""Of a tensor that is to be looked at."""


def sample_of(data_type: DataType) -> Any:
    """Return a value of *data_type*, without what may be left out of it."""
    if isinstance(data_type, Scalar):
        return SCALARS[data_type.name]
    if isinstance(data_type, Array):
        return [sample_of(data_type.items)]
    if isinstance(data_type, Map):
        return {"key": sample_of(data_type.values)}
    if isinstance(data_type, Object):
        return {item.name: sample_of(item.type) for item in data_type.properties if item.is_required}
    return "anything"


def sample_of_tensor(tensor: Tensor) -> Any:
    """Return an array of zeros with one row, or None if it would be too large to be looked at."""
    shape = [1 if length < 0 else length for length in tensor.shape]
    if prod(shape) > MAX_ELEMENTS:
        return None
    value = element_of(tensor.dtype)
    for length in reversed(shape):
        value = [value] * length
    return value


def element_of(dtype: str) -> Any:
    """Return an element of an array."""
    if dtype == "bool":
        return False
    if dtype.startswith("float"):
        return 0.0
    return 0 if "int" in dtype else "text"
