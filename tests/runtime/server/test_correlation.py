"""Request ids and traces: what is taken over, what is ignored, what is given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.correlation import RequestIds, correlate, read_traceparent

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE_ID}-{SPAN_ID}-01".encode()


@pytest.mark.parametrize("value", [GOOD, b" " + GOOD + b" ", b"cc" + GOOD[2:], b"cc" + GOOD[2:] + b"-more"])
def test_valid_traceparents_are_read(value):
    """A traceparent is read in its own version, and its first four fields in later ones."""
    assert read_traceparent(value) == (TRACE_ID, SPAN_ID, "01")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"ff" + GOOD[2:],
        GOOD + b"-more",
        GOOD + b"0",
        GOOD.upper(),
        GOOD[:-3],
        f"00-{'0' * 32}-{SPAN_ID}-01".encode(),
        f"00-{TRACE_ID}-{'0' * 16}-01".encode(),
    ],
)
def test_invalid_traceparents_are_ignored(value):
    """What the recommendation calls invalid counts as none."""
    assert read_traceparent(value) is None


def test_two_traceparents_are_none():
    """A request in two traces is in neither."""
    headers = [(b"traceparent", GOOD), (b"traceparent", GOOD)]

    assert correlate(headers, RequestIds()).trace is None


@given(st.binary(max_size=200))
def test_any_header_gives_an_id_that_is_safe_to_repeat(value):
    """Whatever a client sends, the id that is given back and logged is one short word."""
    request_id = correlate([(b"x-request-id", value)], RequestIds()).request_id

    assert 1 <= len(request_id) <= 128
    assert request_id.isascii()
    assert request_id.isprintable()
    assert not set(request_id) & set(" \"'\\")


def test_ids_of_ours_differ():
    """No two requests without an id get the same one, in one process or in two."""
    one, other = RequestIds(), RequestIds()

    assert len({one(), one(), other(), other()}) == 4
