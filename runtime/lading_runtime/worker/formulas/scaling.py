"""Scalers: a few operations on each column, in double precision.

Single precision is left to the scalers, which round at other places in other versions, and never answer it in
double precision, as these do. So are arrays that a scaler may overwrite.

The reference is ``sklearn.preprocessing._data``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.formulas.formula import Formula, of_finite


def standard(scaler: Any) -> Formula | None:
    """Return what ``transform`` of a ``StandardScaler`` computes."""
    mean = scaler.mean_ if scaler.with_mean else None
    return shifted_and_divided(scaler, mean, scaler.scale_ if scaler.with_std else None)


def robust(scaler: Any) -> Formula | None:
    """Return what ``transform`` of a ``RobustScaler`` computes."""
    center = scaler.center_ if scaler.with_centering else None
    return shifted_and_divided(scaler, center, scaler.scale_ if scaler.with_scaling else None)


def max_abs(scaler: Any) -> Formula | None:
    """Return what ``transform`` of a ``MaxAbsScaler`` computes."""
    return None if getattr(scaler, "clip", False) else shifted_and_divided(scaler, None, scaler.scale_)


def shifted_and_divided(scaler: Any, shift: Any, divisor: Any) -> Formula | None:
    """Return a formula that subtracts one and divides by the other, if they are there."""

    def formula(data: Any) -> Any:
        answer = data.astype("float64")
        if shift is not None:
            answer -= shift
        if divisor is not None:
            answer /= divisor
        return answer

    return of_finite(formula) if scaler.copy else None


def min_max(scaler: Any) -> Formula | None:
    """Return what ``transform`` of a ``MinMaxScaler`` computes."""
    clip, factor, summand = importlib.import_module("numpy").clip, scaler.scale_, scaler.min_
    bounds = scaler.feature_range if getattr(scaler, "clip", False) else None

    def formula(data: Any) -> Any:
        answer = data.astype("float64")
        answer *= factor
        answer += summand
        return answer if bounds is None else clip(answer, *bounds, out=answer)

    return of_finite(formula) if scaler.copy else None
