"""Payloads by rows: joined, cut, and their predictions told apart."""

import json
import struct
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import Unsplittable
from lading_runtime.protocol.decode import decode
from lading_runtime.schema.signature import read_signature
from lading_runtime.server.joining import join, part_of, parts_of, split, whole_of
from lading_runtime.server.predictor import Prediction
from lading_runtime.worker import frames


def signature(*types):
    """A signature of columns a, b and so on."""
    inputs = [
        {"type": kind, "name": name, "required": True} for name, kind in zip("abcdef", types, strict=False)
    ]
    return read_signature({"signature": {"inputs": json.dumps(inputs)}})


def tensor(dtype, *shape):
    """A signature of one tensor."""
    inputs = [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}]
    return read_signature({"signature": {"inputs": json.dumps(inputs)}})


def payload_of(rows, of):
    """The payload of a split data frame."""
    columns = list("abcdef"[: len(rows[0])])
    body = json.dumps({"dataframe_split": {"columns": columns, "data": rows}}).encode()
    return decode(body, "application/json", of)


def plain(payload):
    """A payload without the rows of its requests."""
    return payload._replace(rows=None, buffers=[bytes(buffer) for buffer in payload.buffers])


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LONGS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8"))
KINDS = {
    "one dtype": (("double", "double", "double"), st.tuples(FLOATS, FLOATS, FLOATS)),
    "several types": (
        ("long", "double", "string", "boolean", "binary"),
        st.tuples(
            LONGS,
            FLOATS,
            TEXTS,
            st.booleans(),
            st.binary().map(lambda data: data.hex() + "==="[: -len(data.hex()) % 4]),
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_split_of_rows_over_requests_is_the_same_payload(kind, data):
    """Requests that are joined are the payload that one request with all of their rows would be."""
    types, row = KINDS[kind]
    of = signature(*types)
    requests = data.draw(st.lists(st.lists(row, min_size=1, max_size=4), min_size=1, max_size=6))
    payloads = [payload_of(list(map(list, rows)), of) for rows in requests]

    assert len({part.key for part in map(part_of, payloads) if part}) == 1
    assert plain(join(payloads)) == plain(payload_of([list(row) for rows in requests for row in rows], of))
    assert join(payloads).rows == tuple(map(len, requests))


@given(
    rows=st.lists(st.tuples(LONGS, FLOATS), min_size=1, max_size=20),
    max_rows=st.integers(1, 7),
)
def test_what_is_cut_is_joined_again(rows, max_rows):
    """Pieces have all rows in order, and no more than they may."""
    payload = payload_of(list(map(list, rows)), signature("long", "double"))
    pieces = split(payload, max_rows)
    assert pieces is not None

    assert plain(join(pieces)) == plain(payload)
    assert all(sum(piece.rows or ()) <= max_rows for piece in pieces)


def test_tensors_are_joined_along_their_first_dimension():
    """Arrays of equal rows share a batch, arrays of other rows do not."""
    of = tensor("float32", -1, 2)
    one, two = (
        decode(json.dumps({"inputs": value}).encode(), "application/json", of)
        for value in ([[1, 2]], [[3, 4], [5, 6]])
    )

    joined = join([one, two])

    assert (joined.data["shape"], joined.rows) == ([3, 2], (1, 2))
    assert struct.unpack("<6f", joined.buffers[0]) == (1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("types", "row"),
    [
        (("string",), [None]),
        (("datetime",), ["2026-01-01T00:00:00"]),
    ],
)
def test_cells_that_others_could_change_are_never_joined(types, row):
    """A whole column decides how pandas reads a null among texts, or a time."""
    inputs = [{"type": types[0], "name": "a", "required": False}]
    of = read_signature({"signature": {"inputs": json.dumps(inputs)}})

    assert part_of(payload_of([row], of)) is None


def test_rows_with_labels_are_never_joined():
    """An index is the request's own."""
    body = {"dataframe_split": {"columns": ["a"], "index": [7], "data": [[1.0]]}}
    payload = decode(json.dumps(body).encode(), "application/json", signature("double"))

    assert part_of(payload) is None


def array(*values, shape=None) -> tuple[Any, Any]:
    """Return a value that is an array of numbers, and its buffers."""
    value = {"kind": "array", "dtype": "<f8", "shape": shape or [len(values)], "buffer": 0}
    return value, [struct.pack(f"<{len(values)}d", *values)]


def test_each_request_gets_its_rows_of_an_array():
    """Rows of any width are told apart without a copy."""
    parts = parts_of(*array(1, 2, 3, 4, 5, 6, shape=[3, 2]), [1, 2])

    assert [(value["shape"], struct.unpack_from("<d", buffers[0])) for value, buffers in parts] == [
        ([1, 2], (1,)),
        ([2, 2], (3,)),
    ]


def test_each_request_gets_its_text():
    """What the model process has written by rows is handed out as it is."""
    parts = parts_of({"kind": "texts"}, [b'["a"]', b'["b","c"]'], [1, 2])

    assert [buffers for _, buffers in parts] == [[b'["a"]'], [b'["b","c"]']]
    assert bytes(whole_of([Prediction(*part, 0.0, 0.0) for part in parts]).buffers[0]) == b'["a","b","c"]'


@pytest.mark.parametrize(("value", "buffers"), [array(1, 2), ({"kind": "json", "buffer": 0}, [b"1"])])
def test_a_prediction_of_other_rows_cannot_be_told_apart(value, buffers):
    """A model that does not answer by rows is found out."""
    with pytest.raises(Unsplittable):
        parts_of(value, buffers, [1, 1, 1])


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_rows_reach_the_model_in_company_as_they_do_alone(kind, data):
    """Each request's rows of the joined data frame are the data frame that it would be by itself."""
    types, row = KINDS[kind]
    requests = data.draw(st.lists(st.lists(row, min_size=1, max_size=3), min_size=1, max_size=4))
    payloads = [payload_of(list(map(list, rows)), signature(*types)) for rows in requests]
    together = built(join(payloads))

    start = 0
    for payload, rows in zip(payloads, requests, strict=True):
        part = together.iloc[start : start + len(rows)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, built(payload), check_exact=True)
        start += len(rows)


def built(payload):
    """The data frame that the model process makes of a payload."""
    return frames.build(payload.data, [bytearray(buffer) for buffer in payload.buffers])
