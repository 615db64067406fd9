"""The trial of a formula."""

import numpy as np
import pytest
from lading_runtime.worker.formulas.trial import agreeing_dtypes, is_same

FEATURES = 3


def total(data):
    """Return the sum of each row."""
    return data.sum(axis=1)


def names(dtypes):
    """Return how *dtypes* are called."""
    return {dtype.name for dtype in dtypes}


def test_what_says_the_same_agrees():
    """Of all dtypes that rows of numbers come as."""
    assert names(agreeing_dtypes(total, total, FEATURES)) == {"float64", "float32", "int64"}


def test_each_dtype_is_tried():
    """A formula that calculates with more digits than its estimator agrees where that makes no difference."""
    precise = lambda data: data.sum(axis=1, dtype="float64").astype(data.dtype)  # noqa: E731

    assert names(agreeing_dtypes(precise, total, 300)) == {"float64", "int64"}


@pytest.mark.parametrize(
    "formula",
    [
        lambda data: np.nextafter(data.sum(axis=1), np.inf),
        lambda data: total(data).astype("complex128"),
        lambda data: total(data)[:, None],
        lambda data: total(data) if len(data) == 1 else total(data) + 1,
        lambda _data: None,
        lambda data: list(total(data)),
    ],
    ids=["last bit", "dtype", "shape", "several rows", "nothing", "no array"],
)
def test_what_differs_in_anything_does_not_agree(formula):
    """In the last bit, in dtype or shape, of one size only, or by saying nothing."""
    assert agreeing_dtypes(formula, total, FEATURES) == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([0.0], [-0.0], False),
        ([np.nan], [np.nan], True),
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        ([1], [1.0], False),
    ],
)
def test_arrays_are_compared_bit_by_bit(one, other, expected):
    """Zero is not minus zero, and a number that is none is itself."""
    assert is_same(np.array(one), np.array(other)) is expected
