"""Whether an estimator and its formula say the same: bit for bit, of numbers that are made up.

The formulas were written after one version of scikit-learn, and models come with any.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Callable, Container, Sequence

from lading_runtime.worker.formulas.formula import Formula

DTYPES = ("float64", "float32", "int64")
"""What rows of numbers come as."""

SIZES = (1, 9)
"""Of the arrays, in rows: a single row may be multiplied in another way than several."""

MAX_FEATURES = 1 << 16
"""With more of them, what is saved is nothing beside what is computed."""

SPREAD = 4.0
"""Of the numbers: some standard deviations of what models are mostly fitted with."""


Step = Callable[[Any], Any]
"""From an array to an array."""


def tried(
    formula: Formula,
    own: Step,
    features: int,
    *,
    reference: Step | None = None,
    dtypes: Sequence[str] = DTYPES,
) -> Step:
    """Return *formula* for arrays of the kinds of which it says the same as *own*, and *own* for all others.

    Args:
        formula: what is to be tried.
        own: what it stands for.
        features: the columns of an array.
        reference: says what *own* does, to the bit each time, if *own* does not.
        dtypes: what arrays may come as.
    """
    try:
        known = agreed(formula, reference or own, features, dtypes)
    except Exception:  # noqa: BLE001 - of a version that nobody knows yet, or it takes no plain numbers
        return own
    return by_formula(formula, known, features, own) if known else own


def by_formula(formula: Formula, dtypes: Container[Any], features: int, own: Step) -> Step:
    """Return *formula* for rows of *features* numbers of these *dtypes*, and *own* for all else."""

    def step(data: Any) -> Any:
        answer = None
        if data.dtype in dtypes and data.ndim == 2 and data.shape[1] == features and len(data):  # noqa: PLR2004
            answer = formula(data)
        return own(data) if answer is None else answer

    return step


def agreed(formula: Formula, own: Step, features: int, dtypes: Sequence[str] = DTYPES) -> frozenset[Any]:
    """Return those of *dtypes* of which *formula* says what the estimator's *own* method says."""
    numpy = importlib.import_module("numpy")
    numbers = numpy.random.RandomState(0).standard_normal((sum(SIZES), features)) * SPREAD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frozenset(numpy.dtype(name) for name in dtypes if agree(formula, own, numbers.astype(name)))


def agree(formula: Formula, own: Step, numbers: Any) -> bool:
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
