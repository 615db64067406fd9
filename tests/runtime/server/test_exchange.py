"""What the log says of a request: the same in words as in fields, whatever happened."""

import json

from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.correlation import Correlation, Trace
from lading_runtime.server.exchange import Exchange

seconds = st.none() | st.floats(min_value=0, max_value=100)
ids = st.from_regex(r"[A-Za-z0-9._:/+=@~-]{1,20}", fullmatch=True)
traces = st.none() | st.just(Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01"))


@given(
    path=st.from_regex(r"/[!-~]{0,20}", fullmatch=True),
    correlation=st.builds(Correlation, ids, traces),
    stages=st.fixed_dictionaries({f"{stage}_s": seconds for stage in ("decode", "queue", "model", "encode")}),
    received_bytes=st.none() | st.integers(min_value=0),
    chunks=st.none() | st.integers(min_value=1),
    error=st.none() | st.sampled_from(["ModelError", "ClientDisconnected"]),
)
def test_the_words_are_the_fields(path, correlation, stages, received_bytes, chunks, error):
    """Each field is one word, in the same order; numbers are the same to the last digit shown."""
    exchange = Exchange("POST", path, correlation)
    exchange.received_bytes, exchange.chunks, exchange.error = received_bytes, chunks, error
    for name, value in stages.items():
        setattr(exchange, name, value)
    exchange.end("/invocations")

    words = [word.split("=", 1) for word in exchange.words().split(" ")[1:]]

    fields = exchange.fields()
    assert [name for name, _ in words] == list(fields)
    for (name, word), value in zip(words, fields.values(), strict=True):
        if name.endswith("ms"):
            assert float(word) == value
        else:
            assert (json.loads(word) if word.startswith('"') else word) == str(value)
