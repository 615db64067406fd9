"""Nested lists as NumPy sees them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.schema.cells import dump, flatten
from lading_runtime.schema.refusals import Unreadable

LISTS = st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=20)


@given(LISTS)
def test_shapes_are_those_of_numpy(value):
    """Nested lists have the shape and the order of elements that NumPy gives them, or are refused by both."""
    try:
        array = np.array(value)
    except ValueError:
        with pytest.raises(Unreadable):
            flatten(value)
    else:
        assert flatten(value) == (array.shape, array.ravel().tolist())


def test_no_array_has_more_than_64_dimensions():
    """More nested lists than NumPy has dimensions are refused."""
    value: object = 1
    for _ in range(65):
        value = [value]

    with pytest.raises(Unreadable):
        flatten(value)


def test_what_is_nested_too_deep_is_refused():
    """A value that Python could not read again is refused before it is sent anywhere."""
    value: list[object] = []
    for _ in range(200_000):
        value = [value]

    with pytest.raises(Unreadable, match="deep"):
        dump(value)
