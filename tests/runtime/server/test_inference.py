"""Where the JSON of an inference request ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.server.inference import BINARY, HEADER_LENGTH, header_length


def length_of(text):
    """Return the length that a header says."""
    return header_length({b"content-type": BINARY, HEADER_LENGTH: text})


@given(st.integers(0, 1 << 50))
def test_the_length_is_a_number(length):
    """Where binary data follow, a header says how long the JSON is."""
    assert length_of(str(length).encode()) == length


@pytest.mark.parametrize(
    "text", [b"", b"-1", b"1.5", b"0x10", b" ", "٣".encode(), pytest.param(b"1" * 5000, id="5000 digits")]
)
def test_what_is_no_length_is_malformed(text):
    """A length of thousands of digits, which Python would not read, is no length either."""
    with pytest.raises(MalformedBody):
        length_of(text)
