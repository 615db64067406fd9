"""Cells of arrays, objects, maps and anything (``mlflow.models.utils._enforce_type``).

Types are as a signature writes them. A list stays a list and an array an array; null in an array of
texts stays null, as in the other formats.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable

from lading_runtime.payload import Node
from lading_runtime.worker.enforcement import scalars
from lading_runtime.worker.enforcement.misfit import Misfit


def conform(value: Any, of: Node, *, is_required: bool) -> Any:
    """Return *value* as the type *of* a signature has it.

    Raises:
        Misfit: it is no such thing.
    """
    rule: Callable[..., Any] = _RULES.get(of["type"], _conform_scalar)
    return rule(value, of, is_required=is_required)


def _conform_array(value: Any, of: Node, *, is_required: bool) -> Any:
    numpy, items = import_module("numpy"), of["items"]
    is_list = isinstance(value, (list, numpy.ndarray))
    may_be_empty = not is_required or items["type"] == "any"
    if may_be_empty and (value is None or (is_list and len(value) == 0)):
        return value
    if not is_list:
        raise Misfit(f"{type(value).__name__} instead of a list")
    if items["type"] in scalars.DTYPES:
        return _conform_elements(value, items["type"]) if len(value) else value
    conformed = [conform(item, items, is_required=is_required) for item in value]
    return conformed if isinstance(value, list) else numpy.array(conformed)


def _conform_elements(value: Any, kind: str) -> Any:
    series = scalars.conform(import_module("pandas").Series(value), kind)
    array = series.to_numpy(dtype=scalars.DTYPES[kind])
    # NumPy's own types of texts and bytes lose nulls, and zeros at the end.
    loses_nulls = kind in ("string", "binary") and bool(series.isna().any())
    if loses_nulls or (kind == "binary" and array.tolist() != series.tolist()):
        array = series.astype(object).where(series.notna(), None).to_numpy()
    return array.tolist() if isinstance(value, list) else array


def _conform_object(value: Any, of: Node, *, is_required: bool) -> Any:
    if not is_required and (value is None or value == {}):
        return value
    if not isinstance(value, dict):
        raise Misfit(f"{type(value).__name__} instead of an object")
    properties = of["properties"]
    missing = [name for name, item in properties.items() if item["required"] and name not in value]
    if missing:
        raise Misfit(f"missing required properties {missing}")
    if not value.keys() <= properties.keys():
        raise Misfit("properties that the signature does not have")
    return {name: _conform_member(name, item, properties[name]) for name, item in value.items()}


def _conform_member(name: str, value: Any, of: Node) -> Any:
    try:
        return conform(value, of, is_required=of["required"])
    except Misfit as problem:
        raise Misfit(f"property {name!r}: {problem}") from problem


def _conform_map(value: Any, of: Node, *, is_required: bool) -> Any:
    may_be_empty = not is_required or of["values"]["type"] == "any"
    if may_be_empty and (value is None or value == {}):
        return value
    if not isinstance(value, dict):
        raise Misfit(f"{type(value).__name__} instead of an object")
    if not all(isinstance(name, str) for name in value):
        raise Misfit("names that are no texts")
    return {name: conform(item, of["values"], is_required=is_required) for name, item in value.items()}


def _conform_anything(value: Any, _of: Node, *, is_required: bool) -> Any:  # noqa: ARG001 - nothing is
    return value


def _conform_scalar(value: Any, of: Node, *, is_required: bool) -> Any:
    is_missing = value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
    if is_missing and not is_required:
        return None
    if not import_module("numpy").isscalar(value):
        raise Misfit(f"{type(value).__name__} instead of a single value")
    return scalars.conform(import_module("pandas").Series([value]), of["type"]).iloc[0]


_RULES: dict[str, Callable[..., Any]] = {
    "array": _conform_array,
    "object": _conform_object,
    "map": _conform_map,
    "any": _conform_anything,
}
