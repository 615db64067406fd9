"""Tensors as they travel: numbers in a buffer, or elements of BYTES."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Union

from lading_runtime.protocol.open_inference.datatypes import BYTES, DTYPES, unpack
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.wire import Buffer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Numbers:
    """A tensor of numbers."""

    name: str
    datatype: str
    shape: Shape

    buffer: Buffer
    """Little-endian, in C order."""

    content_type: str | None = None

    @property
    def dtype(self) -> str:
        """NumPy's spelling of the datatype: ``<f4``."""
        return DTYPES[self.datatype]

    def cells(self) -> Sequence[Any]:
        """Return the elements, in order."""
        return unpack(self.datatype, self.buffer)


@dataclass(frozen=True)
class Texts:
    """A tensor of BYTES."""

    name: str
    shape: Shape

    elements: Sequence[Any]
    """Texts where they came as JSON, bytes where they came as such."""

    content_type: str | None = None
    datatype: str = BYTES

    def texts(self) -> list[str | None]:
        """Return the elements as texts, null as it is.

        Raises:
            Unreadable: one is not UTF-8.
        """
        try:
            return [text.decode() if isinstance(text, bytes) else text for text in self.elements]
        except UnicodeDecodeError:
            raise Unreadable("bytes that are not UTF-8") from None

    def values(self) -> list[Any]:
        """Return what the elements say as JSON, null for null.

        Raises:
            Unreadable: one is no JSON.
        """
        try:
            return [None if text is None else json.loads(text) for text in self.elements]
        except (ValueError, RecursionError):
            raise Unreadable("a text that is not JSON") from None


Tensor = Union[Numbers, Texts]


def rows_of(shape: Shape) -> int:
    """Return how many rows a tensor of *shape* has; a single value is one."""
    return shape[0] if shape else 1


def width_of(shape: Shape) -> int:
    """Return how many elements each row has."""
    return prod(shape[1:])


def nested(cells: Sequence[Any], shape: Shape) -> Any:
    """Return *cells* as lists of lists of *shape*."""
    if not shape:
        return cells[0]
    cells = list(cells)
    for dimension in range(len(shape) - 1, 0, -1):
        width = shape[dimension]
        starts = range(prod(shape[:dimension]))
        cells = [cells[start * width : (start + 1) * width] for start in starts]
    return cells


def text_parameter(parameters: Mapping[str, Any], name: str) -> str | None:
    """Return a parameter if it is a text, else None."""
    value = parameters.get(name)
    return value if isinstance(value, str) else None
