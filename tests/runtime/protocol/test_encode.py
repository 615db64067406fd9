"""Predictions to bodies."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lading_runtime.protocol.encode import encode

NUMBERS = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes()
    | hnp.unsigned_integer_dtypes()
    | hnp.floating_dtypes(sizes=(16, 32, 64))
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def finite(value):
    """A value with null for what JSON has no word for."""
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value if not isinstance(value, float) or np.isfinite(value) else None


def encoded(array, **options):
    """The body that says an array."""
    value = {"kind": "array", "dtype": array.dtype.str, "shape": list(array.shape), "buffer": 0}
    return encode(value, [array.tobytes()], **options)


@given(hnp.arrays(NUMBERS, SHAPES))
def test_arrays_are_what_numpy_says_they_are(array):
    """An array of any width and shape is its ``tolist()``, with null for NaN and the infinities."""
    assert json.loads(encoded(array, is_wrapped=False)) == finite(array.tolist())


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_32_bit_floats_say_all_their_digits(number):
    """A 32-bit float is said as the 64-bit float that it is."""
    body = encoded(np.array([number], np.float32), is_wrapped=False)

    assert json.loads(body) == [float(np.float32(number))]


@pytest.mark.parametrize(
    ("is_wrapped", "body"), [(True, b'{"predictions": ["\\u00e9"]}'), (False, b'["\\u00e9"]')]
)
def test_json_text_is_sent_as_it_is(is_wrapped, body):
    """JSON text of the model process goes into the body unread, bare for LLM-style requests."""
    assert encode({"kind": "json", "buffer": 0}, [b'["\\u00e9"]'], is_wrapped=is_wrapped) == body
