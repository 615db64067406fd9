"""Bodies to payloads."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody, RequestError, TypeHintViolation
from lading_runtime.protocol.decode import decode
from lading_runtime.schema.signature import Signature, read_signature
from lading_runtime.worker.problems import PayloadError

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")


def signature(inputs, **others):
    """A signature of inputs as MLmodel writes them."""
    return read_signature({"signature": {"inputs": json.dumps(inputs), **others}})


def column(kind, name="x", **others):
    """A column as MLmodel writes it."""
    return {"type": kind, "name": name, **others}


LIST = {"type": "array", "items": {"type": "double"}}
OBJECT = {"type": "object", "properties": {"p": {"type": "string", "required": True}}}
PARAM = {"name": "n", "type": "long", "default": 1, "shape": None}
SIGNATURES: list[Signature | None] = [
    None,
    signature([column(kind, kind) for kind in SCALARS]),
    *(signature([column(kind)]) for kind in SCALARS),
    *(signature([{"type": kind}]) for kind in SCALARS),
    signature([column("array", items=LIST["items"]), column("any", "y", required=False)]),
    signature([column("object", properties=OBJECT["properties"]), column("map", "y", values=LIST)]),
    signature([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]),
    signature([column("tensor", **{"tensor-spec": {"dtype": "int64", "shape": [-1]}})]),
    signature([column("tensor", **{"tensor-spec": {"dtype": "str", "shape": [-1]}})]),
    signature([column("string")], params=json.dumps([PARAM])),
]
"""One for each set of rules."""

NAMES = st.sampled_from(["x", "y", "n", "p", *SCALARS]) | st.text(max_size=2)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["true", "12", "YWJj", "2024-01-02", "2024-01-02T03:04:05+02:00", "", "nan"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
SPLITS = st.fixed_dictionaries(
    {"data": st.lists(st.lists(JSON, max_size=3), max_size=3) | JSON},
    optional={
        "columns": st.lists(NAMES, max_size=3) | JSON,
        "index": JSON,
    },
)
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
DOCUMENTS = (
    JSON
    | st.dictionaries(
        st.sampled_from([*FORMATS, "params", "stream", "input", "messages"]), JSON | SPLITS, max_size=3
    )
    | st.tuples(st.sampled_from(FORMATS), JSON | SPLITS).map(lambda pair: dict([pair]))
)
MEDIA_TYPES = (
    st.sampled_from([None, "application/json", "text/csv", "application/vnd.apache.parquet"]) | st.text()
)


def assert_answered(body, media_type, of):
    """A body is decoded, or refused as the client's fault with a message that can be sent."""
    try:
        decode(body, media_type, of)
    except RequestError as refusal:
        message = refusal.message
    else:
        return
    assert message.encode()


@settings(max_examples=500, deadline=None)
@given(st.binary(), MEDIA_TYPES, st.sampled_from(SIGNATURES))
@example(b"[" * 1000 + b"]" * 1000, None, None)
@example(b'{"inputs": ' + b"[" * 990 + b"]" * 990 + b"}", None, None)
@example(b'{"inputs": "\\ud800"}', None, None)
@example(b'{"\\ud800": 1, "inputs": {"\\ud801": [[1], [2, 3]]}}', None, SIGNATURES[2])
def test_no_bytes_break_the_server(body, media_type, of):
    """Whatever bytes come under whatever type, they become a payload or a request's error."""
    assert_answered(body, media_type, of)


@settings(max_examples=2000, deadline=None)
@given(DOCUMENTS, st.sampled_from(SIGNATURES))
@example({"inputs": {"x": [10**400]}}, SIGNATURES[6])
@example({"inputs": {"x": [1e300]}}, SIGNATURES[5])
@example({"dataframe_split": {"columns": ["x"], "data": [[{}]]}}, SIGNATURES[8])
def test_no_json_breaks_the_server(document, of):
    """Whatever JSON comes, it becomes a payload or a request's error."""
    assert_answered(json.dumps(document).encode(), None, of)


NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.booleans()
ROW_SIGNATURES = {
    **{kind: signature([column(kind, name) for name in "xy"]) for kind in SCALARS},
    "a double and a long": signature([column("double"), column("long", "y")]),
    "an optional double": signature([column("double"), column("double", "y", required=False)]),
    "doubles and a param": signature([column("double", name) for name in "xy"], params=json.dumps([PARAM])),
    "a type hint": replace(signature([column("double", name) for name in "xy"]), is_from_type_hint=True),
}


def outcome(split, of, **others):
    """What a split data frame becomes: its payload but for its labels of rows, or the error."""
    body = json.dumps({"dataframe_split": split, **others}).encode()
    try:
        payload = decode(body, None, of)
    except RequestError as error:
        return type(error), error.message
    return payload._replace(data={**payload.data, "index": None})


@given(
    st.sampled_from(["xy", "yx", "x", "xyz", ""]),
    st.lists(NUMBERS, min_size=2, max_size=2) | st.lists(NUMBERS | LEAVES, max_size=3) | JSON,
    st.sampled_from(list(ROW_SIGNATURES)),
    st.sampled_from([{}, {"params": {"n": 2}}, {"stream": True}]),
)
@example("xy", [1.5, 2], "double", {})
@example("xy", [1, 2], "a double and a long", {})
@example("xy", [1.5, 2.5], "doubles and a param", {})
@example("xy", [1.5, 2.5], "doubles and a param", {"params": {"n": 2}})
@example("xy", [1.5, 2.5], "double", {"params": {"n": 2}})
@example("xy", [1.5, 2.5], "double", {"stream": True})
@example("xy", [1.5, 2.5], "double", {"inputs": [1.5]})
@example("xy", [1.5, 2.5], "double", {"messages": []})
@example("xy", [1.5, 2.5], "a type hint", {})
@example("yx", [1.5, 2.5], "double", {})
def test_one_row_becomes_what_it_becomes_among_others(labels, row, kind, others):
    """A row alone, which is read in a shorter way, is read as one with a label, which is not."""
    of = ROW_SIGNATURES[kind]
    split = {"columns": list(labels), "data": [row]}

    assert outcome(split, of, **others) == outcome({**split, "index": [0]}, of, **others)


def test_the_label_of_one_row_reaches_the_model():
    """A row alone that has a label keeps it."""
    split = {"columns": ["x", "y"], "data": [[1.5, 2.5]], "index": ["first"]}

    payload = decode(json.dumps({"dataframe_split": split}).encode(), None, ROW_SIGNATURES["double"])

    assert payload.data["index"] == ["first"]


@pytest.mark.parametrize(
    "document", [[1], "x", 1, None, {}, {"columns": ["x"]}, {"inputs": 1, "instances": 1}]
)
def test_a_body_has_exactly_one_format(document):
    """A body that is no object, or has none of the four formats, or two, is malformed."""
    with pytest.raises(MalformedBody):
        decode(json.dumps(document).encode(), None, None)


@pytest.mark.parametrize("key", ["messages", "prompt", "input"])
def test_a_unified_body_is_the_input_itself(key, given, make_signature):
    """`messages`, `prompt` or `input` make the whole body the input, without params, answered bare."""
    of = make_signature(params=[{"name": "n", "type": "long", "default": 1}])
    body = json.dumps({key: "hi", "n": 2, "inputs": [1]}).encode()

    assert given(of, body) == {key: "hi", "inputs": [1]}
    assert not decode(body, None, of).is_wrapped


@pytest.mark.parametrize("body", [{"inputs": {"x": [1]}}, {"prompt": "hi"}], ids=["wrapped", "bare"])
def test_a_stream_is_asked_for_with_true(body):
    """Only ``"stream": true`` asks for a stream, and only of a model that can."""

    def is_streamed(word, *, is_streamable=True):
        asked = json.dumps({**body, "stream": word}).encode()
        return decode(asked, None, None, is_streamable=is_streamable).is_streamed

    assert [is_streamed(word) for word in (True, False, 1, None)] == [True, False, False, False]
    assert not is_streamed(True, is_streamable=False)


def test_stream_is_no_part_of_what_a_streaming_model_is_given():
    """``stream`` is taken out where it is heeded, as by MLflow's agent server, and stays where it is not."""

    def data_of(word, *, is_streamable):
        body = json.dumps({"prompt": "hi", "stream": word}).encode()
        payload = decode(body, None, None, is_streamable=is_streamable)
        return json.loads(bytes(payload.buffers[payload.data["buffer"]]))

    assert data_of(True, is_streamable=True) == {"prompt": "hi"}
    assert data_of(False, is_streamable=True) == {"prompt": "hi", "stream": False}
    assert data_of(True, is_streamable=False) == {"prompt": "hi", "stream": True}


def test_a_type_hint_takes_inputs_as_they_are(given, make_signature):
    """A signature from a type hint passes `inputs` on unchanged, and takes no other format."""
    of = make_signature({"type": "string"}, is_signature_from_type_hint=True)

    assert given(of, {"inputs": [{"a": 1}]}) == [{"a": 1}]
    with pytest.raises(TypeHintViolation, match="inputs"):
        given(of, {"instances": ["a"]})


def test_a_type_hint_says_how_pandas_reads_csv(given, make_signature):
    """The one column of a CSV is read as what the type hint lists, so that a text of digits stays one."""
    texts, numbers = (
        make_signature({"type": kind}, is_signature_from_type_hint=True) for kind in ("string", "double")
    )

    assert given(texts, b"x\n1\n 2\n", "text/csv")["x"].tolist() == ["1", " 2"]
    assert given(numbers, b"x\n1\n2\n", "text/csv")["x"].dtype == "float64"
    with pytest.raises(PayloadError, match="no data frame"):
        given(numbers, b"x\na\n", "text/csv")


@pytest.mark.parametrize("kind", [{"type": "datetime"}, {"type": "map", "values": {"type": "any"}}])
def test_a_type_hint_of_more_takes_no_csv(kind, given, make_signature):
    """Type hints of objects, lists or times take no CSV, as pandas knows no such types."""
    of = make_signature(kind, is_signature_from_type_hint=True)

    with pytest.raises(MalformedBody, match="CSV"):
        given(of, b"x\na\n", "text/csv")


@pytest.mark.parametrize("name", ["inputs", "instances"])
def test_without_a_signature_values_become_arrays(name, given):
    """Without a signature, NumPy decides what lists are."""
    assert given(None, {name: [[1, 2], [3, 4]]}).tolist() == [[1, 2], [3, 4]]
    assert given(None, {name: ["x", "yz"]}).dtype == "<U2"
    assert given(None, {name: 3}).shape == ()
    assert given(None, {name: []}) == []
    assert given(None, {name: {"a": [1, 2]}})["a"].tolist() == [1, 2]


def test_without_a_signature_instances_are_transposed(given):
    """Rows of `instances` become an array for each key; rows of `inputs` stay rows."""
    rows = [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}]

    assert given(None, {"instances": rows})["b"].tolist() == [[1, 2], [3, 4]]
    assert [row["a"].item() for row in given(None, {"inputs": rows})] == [1, 2]
    with pytest.raises(MalformedBody, match="instances"):
        given(None, {"instances": [{"a": 1}, {"b": 2}]})


def test_without_a_signature_frames_are_those_of_pandas(given):
    """Without a signature, pandas decides what records, split frames and CSV are."""
    records = [{"a": 1}, {"b": "x"}]
    split = {"data": [[1]], "columns": ["a"], "index": ["r"]}

    pd.testing.assert_frame_equal(given(None, {"dataframe_records": records}), pd.DataFrame(records))
    pd.testing.assert_frame_equal(given(None, {"dataframe_split": split}), pd.DataFrame([[1]], ["r"], ["a"]))
    pd.testing.assert_frame_equal(
        given(None, b"a,b\n1,x\n2,\n", "text/csv"), pd.DataFrame({"a": [1, 2], "b": ["x", np.nan]})
    )


def test_parquet_is_parquet():
    """A body that is no parquet file is malformed, before any process is asked."""
    with pytest.raises(MalformedBody):
        decode(b"PAR1xx", "application/vnd.apache.parquet", None)
