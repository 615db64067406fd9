"""Scalers: a few operations on each column.

The reference is ``sklearn.preprocessing._data``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.formulas.formula import Formula, of_finite


def standard(scaler: Any) -> Formula:
    """Return what ``transform`` of a ``StandardScaler`` computes."""
    mean = scaler.mean_ if scaler.with_mean else None
    return shifted_and_divided(mean, scaler.scale_ if scaler.with_std else None)


def robust(scaler: Any) -> Formula:
    """Return what ``transform`` of a ``RobustScaler`` computes."""
    center = scaler.center_ if scaler.with_centering else None
    return shifted_and_divided(center, scaler.scale_ if scaler.with_scaling else None)


def max_abs(scaler: Any) -> Formula | None:
    """Return what ``transform`` of a ``MaxAbsScaler`` computes."""
    return None if getattr(scaler, "clip", False) else shifted_and_divided(None, scaler.scale_)


def shifted_and_divided(shift: Any, divisor: Any) -> Formula:
    """Return a formula that subtracts one and divides by the other, if they are there."""

    def formula(data: Any) -> Any:
        answer = floats(data)
        if shift is not None:
            answer -= shift.astype(answer.dtype)
        if divisor is not None:
            answer /= divisor.astype(answer.dtype)
        return answer

    return of_finite(formula)


def min_max(scaler: Any) -> Formula:
    """Return what ``transform`` of a ``MinMaxScaler`` computes."""
    clip, factor, summand = importlib.import_module("numpy").clip, scaler.scale_, scaler.min_
    bounds = scaler.feature_range if getattr(scaler, "clip", False) else None

    def formula(data: Any) -> Any:
        answer = floats(data)
        answer *= factor
        answer += summand
        return answer if bounds is None else clip(answer, *bounds, out=answer)

    return of_finite(formula)


def floats(data: Any) -> Any:
    """Return a copy of *data*, in the same order of memory, as floats."""
    return data.astype(data.dtype if data.dtype.kind == "f" else "float64")
