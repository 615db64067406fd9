"""How long a client waits, by its own word."""

import pytest
from lading_runtime.errors import RequestError
from lading_runtime.server.invocations import TIMEOUT_HEADER, asked_timeout_s


@pytest.mark.parametrize(
    ("said", "timeout_s"), [(b"5", 5), (b"0.25", 0.25), (b"5 ", 5), (b"\t5 \t", 5), (b"61", 60), (None, 60)]
)
def test_a_client_waits_as_long_as_it_says(said, timeout_s):
    """Up to the limit of the server; blanks around a header's value are none of it (RFC 9110 §5.5)."""
    headers = {} if said is None else {TIMEOUT_HEADER: said}

    assert asked_timeout_s(headers, 60) == timeout_s


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b" ",
        b"0",
        b"0.0",
        b"-1",
        b"5 s",
        b"1e3",
        b"nan",
        b"5\x005",
        pytest.param(b"1" * 5000, id="5000 digits"),
    ],
)
def test_what_is_no_time_is_refused(said):
    """A deadline that cannot be read is the client's mistake, and is not left out in silence."""
    with pytest.raises(RequestError, match="X-Request-Timeout"):
        asked_timeout_s({TIMEOUT_HEADER: said}, 60)
