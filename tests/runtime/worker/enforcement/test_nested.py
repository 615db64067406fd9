"""Arrays, objects and maps in the cells of a data frame are strictly what the signature says."""

import math

import numpy as np
import pytest
from lading_runtime.worker.enforcement.misfit import Misfit
from lading_runtime.worker.enforcement.nested import conform

DOUBLE, TEXT, ANY = {"type": "double"}, {"type": "string"}, {"type": "any"}
POINT = {
    "type": "object",
    "properties": {"p": {**DOUBLE, "required": True}, "q": {**TEXT, "required": False}},
}


def array_of(items):
    """An array type."""
    return {"type": "array", "items": items}


def map_of(values):
    """A map type."""
    return {"type": "map", "values": values}


@pytest.mark.parametrize(
    ("value", "of"),
    [
        ([1.0, 2.5], array_of(DOUBLE)),
        ([], array_of(DOUBLE)),
        (["a", None], array_of(TEXT)),
        ([b"a\0"], array_of({"type": "binary"})),
        ([[1.5]], array_of(array_of(DOUBLE))),
        ({"p": 1.5, "q": None}, POINT),
        ({"p": 1.5}, POINT),
        ([{"p": 1.5}], array_of(POINT)),
        ({"a": 1.5}, map_of(DOUBLE)),
        ({"a": [1]}, map_of(ANY)),
        (None, map_of(ANY)),
        (None, array_of(ANY)),
        ([1, "a"], array_of(ANY)),
        (object, ANY),
    ],
)
def test_what_conforms_is_kept(value, of):
    """What is of its type comes out as it is."""
    assert conform(value, of, is_required=True) == value


@pytest.mark.parametrize(
    ("value", "of"),
    [
        ([1, 2], array_of(DOUBLE)),
        (["a"], array_of(DOUBLE)),
        (1.5, array_of(DOUBLE)),
        (None, array_of(DOUBLE)),
        ([1.5], array_of(array_of(DOUBLE))),
        ({"q": "x"}, POINT),
        ({"p": 1.5, "z": 1}, POINT),
        ({"p": None}, POINT),
        ({"p": "x"}, POINT),
        ([("p", 1.5)], POINT),
        ({"a": "x"}, map_of(DOUBLE)),
        ({1: 1.5}, map_of(DOUBLE)),
        ([("a", 1.5)], map_of(DOUBLE)),
        ([1.5], DOUBLE),
    ],
)
def test_what_does_not_conform_is_refused(value, of):
    """What is of another type, lacks a member or has one too many is refused."""
    with pytest.raises(Misfit):
        conform(value, of, is_required=True)


@pytest.mark.parametrize(
    ("value", "of"),
    [(None, array_of(DOUBLE)), (None, POINT), ({}, POINT), (None, map_of(DOUBLE)), (None, DOUBLE)],
)
def test_what_is_optional_may_be_missing(value, of):
    """A missing or empty value is fine where it is not required."""
    assert conform(value, of, is_required=False) == value


def test_missing_numbers_are_null():
    """NaN is what pandas makes of a missing member."""
    assert conform(
        {"p": math.nan}, {**POINT, "properties": {"p": {**DOUBLE, "required": False}}}, is_required=True
    ) == {"p": None}


def test_arrays_stay_arrays():
    """NumPy's arrays, which columnar formats give for lists, stay such, of the declared type."""
    found = conform(np.array([1.5, 2.5], dtype="float32"), array_of(DOUBLE), is_required=True)
    objects = conform(np.array([{"p": 1.5}]), array_of(POINT), is_required=True)

    assert (found.dtype, found.tolist()) == ("float64", [1.5, 2.5])
    assert objects.tolist() == [{"p": 1.5}]


def test_a_member_that_is_wrong_is_named():
    """The message says which member it is, and nothing of its value."""
    with pytest.raises(Misfit, match=r"^property 'p': can not safely convert (str|object) to double$"):
        conform({"p": "secret"}, POINT, is_required=True)
