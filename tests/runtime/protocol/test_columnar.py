"""Parquet and Arrow bodies cross as they are, with what their data frame must be."""

import json

import pytest
from lading_runtime.errors import MalformedBody, UnsupportedMediaType
from lading_runtime.protocol.decode import decode

PARQUET = "application/vnd.apache.parquet"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"


@pytest.mark.parametrize(
    ("media_type", "name", "body"),
    [
        (PARQUET, "parquet", b"PAR1...PAR1"),
        (PARQUET.upper(), "parquet", b"PAR1...PAR1"),
        (ARROW_STREAM, "Arrow stream", b"\xff\xff\xff\xff..."),
        (ARROW_FILE, "Arrow file", b"ARROW1...ARROW1"),
    ],
)
def test_a_body_crosses_as_it_is(media_type, name, body):
    """The body is one buffer, and the signature goes with it."""
    payload = decode(body, media_type, None)

    assert payload.data == {"kind": "columnar", "format": name, "buffer": 0, "fields": None}
    assert payload.buffers == [body]
    assert payload.is_wrapped


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (PARQUET, b""),
        (PARQUET, b"PAR1"),
        (PARQUET, b"PAR1PAR1"),
        (PARQUET, b"PAR1..."),
        (PARQUET, json.dumps({"inputs": [1]}).encode()),
        (ARROW_FILE, b"ARROW1..."),
        (ARROW_STREAM, b""),
    ],
)
def test_what_is_plainly_something_else_is_malformed(media_type, body):
    """A body that does not begin and end as its format does need not cross."""
    with pytest.raises(MalformedBody, match=r"the body is no (parquet|Arrow)"):
        decode(body, media_type, None)


def test_params_have_their_defaults(make_signature):
    """A format that cannot say params gives the model the defaults."""
    of = make_signature(params=[{"name": "n", "type": "long", "default": 1}])

    payload = decode(b"PAR1...PAR1", PARQUET, of)

    assert payload.params is not None
    assert payload.params["items"][0][0] == "n"


@pytest.mark.parametrize("kind", ["application/vnd.apache.arrow", "application/x-parquet"])
def test_other_types_are_not_supported(kind):
    """A type that is none of the three is refused with the list of all."""
    with pytest.raises(UnsupportedMediaType, match=r"arrow\.stream"):
        decode(b"PAR1...PAR1", kind, None)
