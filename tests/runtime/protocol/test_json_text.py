"""JSON text to values."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.json_text import has_long_integer, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_values_are_read_as_the_standard_library_reads_them(value):
    """An exact reading gives what Python's own parser gives, integers of any size included."""
    body = json.dumps(value).encode()

    assert read_json(body, is_exact=True) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[Infinity]", [math.inf]),
        (b"[1e400]", [math.inf]),
        (b'"\\ud800"', "\ud800"),
        ('"é"'.encode("utf-16"), "é"),
    ],
)
def test_what_mlflow_accepts_is_accepted(body, value):
    """Of equal keys the last wins; a byte order mark, infinities, lone surrogates and UTF-16 are read."""
    assert read_json(body, is_exact=False) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"{bad", b"\xff\xfe{}", b"[" * 100_000, b"1" * 5000, b'{"a": 1} x'],
    ids=lambda body: body[:8],
)
def test_what_is_no_json_is_malformed(body):
    """Text that is no JSON, no UTF-8, nested too deep or a number too long is the client's mistake."""
    with pytest.raises(MalformedBody):
        read_json(body, is_exact=False)


@given(st.integers())
def test_no_long_integer_is_overlooked(number):
    """An integer that does not fit 64 bits is always noticed, wherever it stands."""
    if not -(2**63) <= number < 2**63:
        assert has_long_integer(f'{{"a":[0.5,{number}]}}'.encode())


def test_fractions_and_texts_are_no_long_integers():
    """Long fractions, which every array of numbers is full of, do not cost the fast reading."""
    assert not has_long_integer(b'[0.1234567890123456789012345, "12345678901234567890"]')
