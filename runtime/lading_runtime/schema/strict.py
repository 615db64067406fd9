"""Columns that no cast precedes: what they are must already be what the signature declares.

So it is where MLflow knows no names while it casts (``_enforce_mlflow_datatype`` alone then decides).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import Cells
from lading_runtime.schema.datatypes import DataType, Scalar
from lading_runtime.schema.nested import Nested, conform_scalars
from lading_runtime.schema.refusals import Unfit, Unreadable
from lading_runtime.schema.scalars import RULES

UPCASTS = {("integer", "long"), ("integer", "double"), ("float", "double")}
"""Numbers that may become wider ones."""


class FrameRule(Protocol):
    """How cells become a column node."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of the data frame formats as a column."""
        ...

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return cells of ``inputs`` or ``instances`` as a column."""
        ...


Read = Callable[[Cells, Buffers], Node]


def as_strict(data_type: DataType, rule: FrameRule) -> Read:
    """Return how to read cells that pandas already sees as *data_type*."""

    def read(cells: Cells, buffers: Buffers) -> Node:
        try:
            if data_type == Scalar("datetime") and all(cell is None for cell in cells):
                return rule.from_frame(cells, buffers)
            if isinstance(data_type, Scalar) and cells:
                exact = conform_scalars(list(cells), data_type)
                cells = cells if data_type == Scalar("string") else exact
            return (rule.from_row if isinstance(rule, Nested) else rule.from_frame)(cells, buffers)
        except Unreadable as problem:
            raise Unfit(str(problem)) from problem

    return read


def recast(read_type: DataType, rule: FrameRule, declared: DataType) -> Read:
    """Return how to read cells as *read_type*, by *rule*, for a column that is *declared* to be another."""
    if read_type == declared:
        return rule.from_values

    def read(cells: Cells, buffers: Buffers) -> Node:
        rule.from_values(cells, Buffers())
        is_bit = read_type == Scalar("long") and all(_is_bit(cell) for cell in cells)
        if (str(read_type), str(declared)) in UPCASTS or (is_bit and str(declared) in ("float", "double")):
            return rule_for(declared).from_values(cells, buffers)
        raise Unfit(f"can not safely convert {read_type} to {declared}")

    return read


def _is_bit(cell: Any) -> bool:
    return cell in (0, 1, "0", "1")


def rule_for(declared: DataType) -> FrameRule:
    """Return the rules of a scalar type."""
    return RULES[str(declared)]
