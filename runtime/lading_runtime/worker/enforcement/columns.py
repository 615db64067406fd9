"""A data frame and the columns of a signature (``_enforce_named_col_schema`` and its unnamed sister)."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Sequence

from lading_runtime.payload import Node
from lading_runtime.worker.enforcement import nested, scalars
from lading_runtime.worker.enforcement.misfit import Misfit
from lading_runtime.worker.problems import SchemaError


def enforce_columns(frame: Any, fields: Sequence[Node]) -> Any:
    """Return *frame* with the columns that *fields* declare, in their order and of their types.

    Raises:
        SchemaError: columns are missing or of other types; the message names every one of them.
    """
    is_named = fields[0]["name"] is not None
    found = _by_name(frame, fields) if is_named else _by_position(frame, fields)
    columns, misfits = {}, []
    for position, field in found:
        label = frame.columns[position]
        try:
            columns[label] = enforce_column(frame.iloc[:, position], field)
        except Misfit as problem:
            misfits.append(f"column {field['name'] if is_named else position!r} ({field['type']}): {problem}")
    if misfits:
        raise SchemaError("; ".join(misfits))
    return import_module("pandas").DataFrame(columns)


def check_present(frame: Any, fields: Sequence[Node]) -> None:
    """Return if *frame* has everything that *fields* require.

    Raises:
        SchemaError: something is missing, or there twice.
    """
    labels = list(frame.columns)
    names = [field["name"] for field in fields]
    missing = [field["name"] for field in fields if field["required"] and field["name"] not in labels]
    if missing:
        raise SchemaError(f"model is missing inputs {missing!r}")
    repeated = [name for name in names if labels.count(name) > 1]
    if repeated:
        raise SchemaError(f"inputs {repeated!r} appear more than once")


def enforce_column(values: Any, field: Node) -> Any:
    """Return a series as its *field* declares.

    Raises:
        Misfit: it is nothing of the kind.
    """
    if field["type"] in scalars.DTYPES:
        return scalars.conform(values, field["type"])
    is_required = field["required"]
    try:
        cells = [nested.conform(cell, field, is_required=is_required) for cell in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise Misfit(f"no {field['type']}") from error
    return _series_of(cells, values)


def _series_of(cells: Sequence[Any], like: Any) -> Any:
    return import_module("pandas").Series(cells, index=like.index, name=like.name)


def _by_name(frame: Any, fields: Sequence[Node]) -> list[tuple[int, Node]]:
    check_present(frame, fields)
    labels = list(frame.columns)
    return [(labels.index(field["name"]), field) for field in fields if field["name"] in labels]


def _by_position(frame: Any, fields: Sequence[Node]) -> list[tuple[int, Node]]:
    count = len(frame.columns)
    if count < len(fields):
        raise SchemaError(f"model is missing inputs: it takes {len(fields)} columns, not {count}")
    labels = list(frame.columns[: len(fields)])
    if len(set(labels)) < len(labels):
        raise SchemaError("columns of one name, where each is one input")
    return list(enumerate(fields))
