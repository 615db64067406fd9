"""Columns of single values (``mlflow.models.utils._enforce_mlflow_datatype``).

Widening is allowed and nothing else is. Three things are stricter or wider than in MLflow, as in the
other formats: a column of objects is boolean only if its values are, texts in a binary column are
base64, and times with a zone become the same times in UTC.
"""

from __future__ import annotations

import base64
from importlib import import_module
from typing import Any, Callable

from lading_runtime.worker.enforcement.misfit import Misfit

DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "str",
    "binary": "bytes",
    "datetime": "datetime64[ns]",
}
"""How NumPy calls the types of a signature."""

EXACT_BYTES = 6
"""Integers of at most so many bytes are doubles without loss."""

MISSING_VALUES = "; integer columns in pandas cannot say missing values, and become floats"


def conform(values: Any, kind: str) -> Any:
    """Return a series as the type *kind* of a signature.

    Raises:
        Misfit: it cannot safely become that.
    """
    is_plain = values.dtype == object and kind not in ("string", "binary")
    values = values.infer_objects() if is_plain else values
    try:
        return _RULES.get(kind, _conform_number)(values, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise refusal(values, kind) from error


def refusal(values: Any, kind: str) -> Misfit:
    """Return why *values* are not of type *kind*."""
    is_gappy = values.dtype.kind == "f" and kind in ("integer", "long") and bool(values.isna().any())
    return Misfit(f"can not safely convert {values.dtype} to {kind}{MISSING_VALUES if is_gappy else ''}")


def _conform_number(values: Any, kind: str) -> Any:
    target = import_module("numpy").dtype(DTYPES[kind])
    if values.dtype == target:
        return values
    if kind == "double" and values.dtype == object:  # Decimal, for one
        return import_module("pandas").to_numeric(values)
    if not (_is_wider(values.dtype, target) or _is_zero_or_one(values, target)):
        raise refusal(values, kind)
    return values.astype(target)


def _is_wider(source: Any, target: Any) -> bool:
    if source.kind == target.kind:
        return bool(source.itemsize <= target.itemsize)
    if source.kind == "u" and target.kind == "i":
        return bool(source.itemsize < target.itemsize)
    return bool(source.kind in "iu" and target == "float64" and source.itemsize <= EXACT_BYTES)


def _is_zero_or_one(values: Any, target: Any) -> bool:
    return values.dtype == "int64" and target.kind == "f" and bool(values.isin([0, 1]).all())


def _conform_boolean(values: Any, kind: str) -> Any:
    if values.dtype != object:
        return _conform_number(values, kind)
    if not all(isinstance(value, (bool, import_module("numpy").bool_)) for value in values.dropna()):
        raise refusal(values, kind)
    return values


def _conform_string(values: Any, kind: str) -> Any:
    if not (values.dtype == object or _is_text(values)):
        raise refusal(values, kind)
    return values


def _conform_binary(values: Any, kind: str) -> Any:
    if values.dtype.kind == "S":
        return values
    if not (values.dtype == object or _is_text(values)):
        raise refusal(values, kind)
    decoded = [_bytes_of(value) for value in values]
    return import_module("pandas").Series(decoded, index=values.index, name=values.name, dtype=object)


def _bytes_of(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except ValueError:
            raise Misfit("a text that is not base64") from None
    if isinstance(value, bytes):
        return value
    if not import_module("pandas").isna(value):
        raise Misfit(f"{type(value).__name__} instead of bytes")
    return None


def _conform_time(values: Any, kind: str) -> Any:
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert(None)
    if not (values.dtype.kind == "M" or values.dtype == object):
        raise refusal(values, kind)
    return values.astype(DTYPES[kind])


def _is_text(values: Any) -> bool:
    return isinstance(values.dtype, import_module("pandas").StringDtype)


_RULES: dict[str, Callable[[Any, str], Any]] = {
    "boolean": _conform_boolean,
    "string": _conform_string,
    "binary": _conform_binary,
    "datetime": _conform_time,
}
