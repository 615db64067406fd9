"""Whether an estimator and its formula say the same: bit for bit, of numbers that are made up.

The formulas were written after one version of scikit-learn, and models come with any.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Callable

from lading_runtime.worker.formulas.formula import Formula

DTYPES = ("float64", "float32", "int64")
"""What rows of numbers come as."""

SIZES = (1, 9)
"""Of the arrays, in rows: a single row may be multiplied in another way than several."""

MAX_FEATURES = 1 << 16
"""With more of them, what is saved is nothing beside what is computed."""

SPREAD = 4.0
"""Of the numbers: some standard deviations of what models are mostly fitted with."""


def agreed(formula: Formula, own: Callable[[Any], Any], features: int) -> frozenset[Any]:
    """Return the dtypes of which *formula* says what the estimator's *own* method says."""
    numpy = importlib.import_module("numpy")
    numbers = numpy.random.RandomState(0).standard_normal((sum(SIZES), features)) * SPREAD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frozenset(numpy.dtype(name) for name in DTYPES if agree(formula, own, numbers.astype(name)))


def agree(formula: Formula, own: Callable[[Any], Any], numbers: Any) -> bool:
    """Tell whether *formula* and *own* say the same of *numbers*, of which each size takes its rows."""
    start = 0
    for size in SIZES:
        rows = numbers[start : start + size]
        if not same(formula(rows), own(rows)):
            return False
        start += size
    return True


def same(one: Any, other: Any) -> bool:
    """Tell whether two arrays are the same in everything."""
    ndarray = importlib.import_module("numpy").ndarray
    if type(one) is not ndarray or type(other) is not ndarray:
        return False
    return bool((one.dtype, one.shape) == (other.dtype, other.shape) and one.tobytes() == other.tobytes())
