"""What other systems hand on beside a trace is handed on as it is, or not at all."""

import logging.handlers

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.tracestate import read_tracestate
from opentelemetry.trace import TraceState

KEYS = st.from_regex(
    r"[a-z][a-z0-9_*/-]{0,20}|[a-z0-9][a-z0-9_*/-]{0,20}@[a-z][a-z0-9_*/-]{0,13}", fullmatch=True
)
VALUES = st.from_regex(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,20}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", fullmatch=True)
STATES = st.dictionaries(KEYS, VALUES.map(str.lstrip).filter(bool), max_size=32)


def read(*values):
    """Return what headers with these values hand on."""
    return read_tracestate([(b"accept", b"a=b"), *((b"tracestate", value) for value in values)])


@given(STATES, st.sampled_from([",", " , ", ",\t,"]), st.integers(0, 32))
def test_valid_members_are_read_in_their_order(state, comma, at):
    """However many headers there are, they are one list, whose blanks and empty members are nothing."""
    members = [f"{key}={value}" for key, value in state.items()]

    pairs = read(comma.join(members[:at]).encode(), comma.join(members[at:]).encode())

    assert pairs == list(state.items())


@pytest.mark.parametrize(
    "value",
    [
        b"A=1",
        b"a",
        b"a=",
        b"=1",
        b"a=b=c",
        b"a = b",
        b"a=1,a=2",
        b"good=1,b\xc3\xa4d=1",
        b"a=caf\xe9",
        b"a@1=b",
        b"a=" + b"x" * 257,
        b",".join(b"k%d=v" % number for number in range(33)),
    ],
)
def test_invalid_lists_are_ignored_as_a_whole(value):
    """A member that the recommendation does not allow, one that comes twice, or a 33rd, spoils the list."""
    assert read(value) == []


@given(st.lists(st.binary(max_size=60) | st.text("ab1@=,- \t", max_size=30).map(str.encode), max_size=3))
def test_opentelemetry_has_nothing_to_complain_of(values):
    """What is read is valid for OpenTelemetry too, which would log it otherwise."""
    pairs = read(*values)
    handler = logging.handlers.BufferingHandler(1 << 10)
    logging.getLogger("opentelemetry").addHandler(handler)

    state = TraceState(pairs)

    logging.getLogger("opentelemetry").removeHandler(handler)
    assert list(state.items()) == pairs
    assert not handler.buffer
