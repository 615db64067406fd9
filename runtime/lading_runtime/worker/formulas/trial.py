"""Whether a formula says what it stands for: bit for bit, of numbers that are made up.

The formulas were written after some versions of scikit-learn, and models come with any. What a formula is not
made for it has to know by itself: some rows do not find out all that an estimator may do.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Callable, Container, Sequence

from lading_runtime.worker.formulas.formula import Formula

DTYPES = ("float64", "float32", "int64")
"""What rows of numbers come as."""

SIZES = (1, 32)
"""Of the arrays, in rows: a single row may be multiplied in another way than several."""

EXPONENTS = (-9, 6)
"""Of ten: how large the numbers of a row are, from the first to the last; features are of any scale."""

MAX_FEATURES = 1 << 16
"""With more of them, what is saved is nothing beside what is computed."""

Step = Callable[[Any], Any]
"""From an array to an array."""


def tried(
    formula: Formula,
    own: Step,
    features: int,
    *,
    reference: Step | None = None,
    dtypes: Sequence[str] = DTYPES,
) -> Step | None:
    """Return *formula* for arrays of the kinds of which it says what *own* does, and *own* for all others.

    None if there are no such kinds.

    Args:
        formula: what is to be tried.
        own: what it stands for.
        features: the columns of an array.
        reference: says what *own* does, to the bit each time, if *own* does not.
        dtypes: what arrays may come as.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agreed = agreeing_dtypes(formula, reference or own, features, dtypes)
    return by_formula(formula, agreed, features, own) if agreed else None


def by_formula(formula: Formula, dtypes: Container[Any], features: int, own: Step) -> Step:
    """Return *formula* for rows of *features* numbers of these *dtypes*, and *own* for all else."""

    def step(data: Any) -> Any:
        answer = None
        if data.dtype in dtypes and data.ndim == 2 and data.shape[1] == features and len(data):  # noqa: PLR2004
            answer = formula(data)
        return own(data) if answer is None else answer

    return step


def agreeing_dtypes(
    formula: Formula, own: Step, features: int, dtypes: Sequence[str] = DTYPES
) -> frozenset[Any]:
    """Return those of *dtypes* of which *formula* says what *own* does."""
    numpy = importlib.import_module("numpy")
    numbers = numpy.random.RandomState(0).standard_normal((sum(SIZES), features))
    numbers[SIZES[0] :] *= numpy.logspace(*EXPONENTS, SIZES[1])[:, None]
    return frozenset(numpy.dtype(name) for name in dtypes if agree_on(numbers.astype(name), formula, own))


def agree_on(numbers: Any, formula: Formula, own: Step) -> bool:
    """Tell whether *formula* and *own* say the same of *numbers*, of which each size takes its rows.

    Columns lie one behind the other, as those of requests do.
    """
    columns_first = importlib.import_module("numpy").asfortranarray
    one, many = (columns_first(rows) for rows in (numbers[: SIZES[0]], numbers[SIZES[0] :]))
    return all(is_same(formula(rows), own(rows)) for rows in (one, many))


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two arrays are the same in everything."""
    ndarray = importlib.import_module("numpy").ndarray
    if type(one) is not ndarray or type(other) is not ndarray:
        return False
    return bool((one.dtype, one.shape) == (other.dtype, other.shape) and one.tobytes() == other.tobytes())
