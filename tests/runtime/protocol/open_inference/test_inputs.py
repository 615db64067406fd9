"""Tensors to what the model is given, by its signature and by content types."""

import json
import struct

import numpy as np
import pandas as pd
import pytest
from lading_runtime.errors import InvalidParams, MalformedBody, RequestError, SchemaViolation, Unsupported
from lading_runtime.payload import Buffers
from lading_runtime.protocol.open_inference.inputs import payload_of
from lading_runtime.protocol.open_inference.metadata import declared_inputs
from lading_runtime.protocol.open_inference.request import read_request
from lading_runtime.protocol.open_inference.tensors import Numbers
from lading_runtime.schema.cells import Cells
from lading_runtime.schema.table import Table
from lading_runtime.worker import frames

TENSOR = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}


def item(name, datatype, shape, data, content_type=None):
    """An input in JSON."""
    said = {} if content_type is None else {"parameters": {"content_type": content_type}}
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, **said}


def payload(signature, *inputs, binary=None, **parameters):
    """The payload of a request."""
    text = json.dumps({"inputs": inputs, "parameters": parameters}).encode()
    body, header_bytes = (text, None) if binary is None else (text + binary, len(text))
    request = read_request(body, header_bytes, declared_inputs(signature), is_exact=True)
    return payload_of(request, signature, is_streamed=False)


def built(signature, *inputs, binary=None, **parameters):
    """What the model is given for a request."""
    made = payload(signature, *inputs, binary=binary, **parameters)
    return frames.build(json.loads(json.dumps(made.data)), [bytearray(buffer) for buffer in made.buffers])


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_each_column_is_a_tensor(make_columns, shape):
    """Tensors are columns by their names, in the signature's order, with or without a second dimension."""
    frame = built(
        make_columns(a="double", b="long", s="string"),
        item("s", "BYTES", shape, ["x", "y"]),
        item("b", "INT64", shape, [1, 1 << 60]),
        item("a", "FP64", shape, [0.5, None]),
    )

    expected = pd.DataFrame({"a": [0.5, np.nan], "b": [1, 1 << 60], "s": ["x", "y"]})
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
    assert [dtype.kind for dtype in frame.dtypes[:2]] == ["f", "i"]


def test_columns_are_cast_and_refused_as_those_of_a_data_frame(make_columns):
    """A narrower datatype is widened, a number with a fraction for an integer is refused, by its name."""
    signature = make_columns(a="double", n="integer")

    frame = built(signature, item("a", "FP32", [1], [0.5]), item("n", "UINT8", [1], [7]))
    with pytest.raises(RequestError, match="'n'"):
        payload(signature, item("a", "FP32", [1], [0.5]), item("n", "FP32", [1], [1.5]))

    assert list(frame.dtypes) == [np.dtype("float64"), np.dtype("int32")]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_columns_as_declared_are_those_that_the_rules_make(make_columns, names):
    """Numbers of the declared datatype, in their places, are taken to the bit; others are read one by one."""
    signature = make_columns(a="double", b="double")
    cells: dict[str, Cells] = {"a": [0.5, None], "b": [1e300, -0.0]}

    made = payload(signature, *(item(name, "FP64", [2], cells[name]) for name in names))

    expected = signature.inputs.from_table(Table(["a", "b"], list(cells.values()), 2), buffers := Buffers())
    assert made.data == expected
    assert list(map(bytes, made.buffers)) == list(map(bytes, buffers))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([item("a", "FP64", [1], [1])], "missing inputs"),
        ([item("a", "FP64", [1], [1]), item("b", "FP64", [2], [1, 2])], "unequal numbers of rows"),
    ],
)
def test_missing_and_uneven_columns_are_refused(make_columns, inputs, message):
    """All columns must be there, with as many rows."""
    with pytest.raises(SchemaViolation, match=message):
        payload(make_columns(a="double", b="double"), *inputs)


def test_texts_are_read_as_their_columns_are(make_columns):
    """Without a content type the signature tells what BYTES are: base64, times, JSON."""
    signature = make_columns(
        x="binary", t="datetime", o={"type": "map", "values": {"type": "long"}}, v={"type": "any"}
    )

    frame = built(
        signature,
        item("x", "BYTES", [1], ["YWJj"]),
        item("t", "BYTES", [1], ["2024-01-02T03:04:05"], "datetime"),
        item("o", "BYTES", [1], ['{"k": 1}']),
        item("v", "BYTES", [1], ["[1, null]"], "pd_json"),
    )

    assert frame.loc[0, "x"] == b"abc"
    assert frame.loc[0, "t"] == pd.Timestamp("2024-01-02T03:04:05")
    assert (frame.loc[0, "o"], frame.loc[0, "v"]) == ({"k": 1}, [1, None])


def test_binary_elements_are_the_bytes_themselves(make_columns):
    """In binary a column of bytes has its bytes, unless they are said to be base64."""
    signature = make_columns(x="binary")
    said = {"name": "x", "datatype": "BYTES", "shape": [1]}

    def given(data, **parameters):
        element = struct.pack("<I", len(data)) + data
        size = {"binary_data_size": len(element)}
        return built(signature, {**said, "parameters": {**size, **parameters}}, binary=element).loc[0, "x"]

    assert given(b"\xff\x00") == b"\xff\x00"
    assert given(b"YWJj", content_type="base64") == b"abc"


def test_rows_of_numbers_are_lists_where_the_column_has_lists(make_columns):
    """A column of lists takes a tensor with more than one dimension, or JSON texts."""
    signature = make_columns(v={"type": "array", "items": {"type": "double"}})

    rows = built(signature, item("v", "FP64", [2, 2], [1, 2, 3, 4]))
    texts = built(signature, item("v", "BYTES", [2], ["[1.0, 2.0]", "[3.0, 4.0]"]))

    assert [list(cell) for cell in rows["v"]] == [list(cell) for cell in texts["v"]] == [[1, 2], [3, 4]]


def test_columns_without_names_are_those_of_one_tensor_or_several(make_signature):
    """They are the columns of a matrix, or tensors by the numbers in their names."""
    signature = make_signature({"type": "double"}, {"type": "double"})

    matrix = built(signature, item("x", "FP64", [2, 2], [1, 2, 3, 4]))
    several = built(signature, item("input-1", "FP64", [2], [2, 4]), item("input-0", "FP64", [2], [1, 3]))

    pd.testing.assert_frame_equal(matrix, several)
    assert matrix.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_a_tensor_without_a_name_takes_any(make_signature):
    """One tensor, of any name, cast to the declared dtype; its shape must fit."""
    signature = make_signature(TENSOR)

    array = built(signature, item("whatever", "FP64", [1, 2], [0.5, 1]))
    with pytest.raises(SchemaViolation, match="shape"):
        payload(signature, item("x", "FP32", [1, 3], [1, 2, 3]))
    with pytest.raises(SchemaViolation, match="2 inputs"):
        payload(signature, item("x", "FP32", [1, 2], [1, 2]), item("y", "FP32", [1, 2], [1, 2]))

    assert (array.dtype, array.tolist()) == (np.dtype("float32"), [[0.5, 1]])


def test_one_dimension_may_be_written_as_two(make_signature):
    """MLServer's codecs write (n,) as (n, 1): either is what the signature declares."""
    flat = make_signature({"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}})
    tall = make_signature({"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 1]}})

    assert built(flat, item("x", "INT64", [2, 1], [1, 2])).shape == (2,)
    assert built(tall, item("x", "INT64", [2], [1, 2])).shape == (2, 1)


def test_named_tensors_are_a_dictionary(make_signature):
    """Each tensor is found by its name; one that is missing is named."""
    signature = make_signature({**TENSOR, "name": "a"}, {**TENSOR, "name": "b"})
    a, b = item("a", "FP32", [1, 2], [1, 2]), item("b", "FP32", [1, 2], [3, 4])

    found = built(signature, b, a)
    with pytest.raises(SchemaViolation, match="'b'"):
        payload(signature, a)

    assert {name: array.tolist() for name, array in found.items()} == {"a": [[1, 2]], "b": [[3, 4]]}


def test_the_request_says_what_it_is_where_no_signature_does():
    """Without one: a data frame, an array, or a dictionary of arrays, as the content type says."""
    a, s = item("a", "INT32", [2], [1, 2]), item("s", "BYTES", [2], ["x", "y"])

    frame, array, both = built(None, a, s, content_type="pd"), built(None, a), built(None, a, s)
    alone = built(None, a, content_type="dict")

    assert list(frame.columns) == ["a", "s"]
    assert frame["a"].dtype == array.dtype == np.dtype("int32")
    assert both["s"].tolist() == ["x", "y"]
    assert list(alone) == ["a"]


def test_content_types_make_columns_where_no_signature_does():
    """base64, times and JSON are read in a data frame without a signature, too."""
    frame = built(
        None,
        item("x", "BYTES", [1], ["YWJj"], "base64"),
        item("t", "BYTES", [1], ["2024-01-02"], "datetime"),
        item("j", "BYTES", [1], ['{"k": 1}'], "pd_json"),
        content_type="pd",
    )

    assert frame.loc[0].tolist() == [b"abc", pd.Timestamp("2024-01-02"), {"k": 1}]


@pytest.mark.parametrize(
    ("inputs", "parameters"),
    [
        ([item("x", "FP64", [1], [1])], {"content_type": "hg_json"}),
        ([item("x", "FP64", [1], [1], "pd")], {}),
        ([item("x", "FP64", [1], [1]), item("y", "FP64", [1], [1])], {"content_type": "np"}),
        ([item("x", "BYTES", [1], ["{"], "pd_json")], {"content_type": "pd"}),
        ([item("x", "BYTES", [1], ["?"], "base64")], {"content_type": "pd"}),
        ([item("x", "FP64", [2], [1])], {}),
        ([item("x", "FP64", [1], ["a"])], {}),
        ([item("x", "INT8", [1], [300])], {}),
        ([item("x", "BYTES", [1], [1])], {}),
        ([item("x", "BF16", [1], [1])], {}),
        ([item("x", "FP128", [1], [1])], {}),
        ([item("x", "FP64", [-1], [])], {}),
        ([item("x", "FP64", [1 << 40, 0], [])], {}),
        ([item("x", "FP64", [1] * 65, [1])], {}),
        ([{"name": "x", "datatype": "FP64", "shape": [1]}], {}),
    ],
)
def test_what_is_not_what_it_says_is_refused(inputs, parameters):
    """Content types, shapes and elements must agree."""
    with pytest.raises(MalformedBody):
        payload(None, *inputs, **parameters)


def test_shared_memory_is_not_supported():
    """A tensor in memory that this server cannot see is refused as such."""
    with pytest.raises(Unsupported):
        payload(None, {**item("x", "FP64", [1], [1]), "parameters": {"shared_memory_region": "r"}})


def test_brain_floats_are_the_upper_halves_of_floats():
    """BF16, which only binary data have, is read as FP32."""
    said = {"name": "x", "datatype": "BF16", "shape": [2], "parameters": {"binary_data_size": 4}}

    array = built(
        None, said, binary=b"".join(np.array([1.5, -2], "<f4").tobytes()[n : n + 2] for n in (2, 6))
    )

    assert (array.dtype, array.tolist()) == (np.dtype("float32"), [1.5, -2])


def test_parameters_that_the_model_has_are_its_params(make_signature):
    """Of the request's parameters the model gets those of its signature, checked, and its own defaults."""
    params = [
        {"name": "temperature", "default": 0.5, "shape": None, "type": "double"},
        {"name": "n", "default": 1, "shape": None, "type": "long"},
    ]
    signature = make_signature({"type": "string", "name": "s"}, params=params)
    s = item("s", "BYTES", [1], ["x"])

    made = payload(signature, s, temperature=0.25, priority=3, content_type="pd")
    node = made.params
    with pytest.raises(InvalidParams, match="temperature"):
        payload(signature, s, temperature="hot")

    assert frames.build(node, made.buffers) == {"temperature": 0.25, "n": 1}


def test_a_type_hint_gets_plain_values(make_signature):
    """A model that checks its own input is given lists, or objects with a member for each tensor."""
    signature = make_signature({"type": "string"}, is_signature_from_type_hint=True)
    n, text = item("n", "INT64", [2, 1], [1, 2]), item("text", "BYTES", [2], ["a", "b"])

    assert built(signature, text) == ["a", "b"]
    assert built(signature, n, text) == [{"n": 1, "text": "a"}, {"n": 2, "text": "b"}]
    assert built(signature, item("x", "BYTES", [1], ['{"k": [1]}'], "pd_json")) == [{"k": [1]}]


def test_a_body_without_json_is_one_row_of_the_only_input(make_signature):
    """Header length 0: datatype and shape are those of the metadata, and the answer is binary."""
    signature = make_signature(TENSOR)
    data = np.array([1, 2], "<f4").tobytes()

    request = read_request(data, 0, declared_inputs(signature), is_exact=True)

    assert request.is_binary
    (tensor,) = request.inputs
    assert isinstance(tensor, Numbers)
    assert tensor.shape == (1, 2)
    assert bytes(tensor.buffer) == data
