"""Predictions to the outputs of an answer."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from lading_runtime.errors import MalformedBody, OutputError
from lading_runtime.protocol.open_inference.metadata import Identity, declared_outputs
from lading_runtime.protocol.open_inference.outputs import outputs_of
from lading_runtime.protocol.open_inference.request import InferenceRequest, Wanted
from lading_runtime.protocol.open_inference.response import write_response
from lading_runtime.schema.signature import read_signature
from lading_runtime.worker.encode import encode


def answer(prediction, *declared, wanted=(), **parameters):
    """The document, and the binary data behind it, with which a prediction is answered."""
    signature = read_signature({"signature": {"outputs": json.dumps(declared)}})
    value, buffers = encode(prediction)
    outputs = outputs_of(value, [bytes(buffer) for buffer in buffers], declared_outputs(signature))
    request = InferenceRequest("7", (), parameters, tuple(wanted))
    response = write_response(request, Identity("iris", "1", "mlflow_sklearn"), outputs)
    size = len(response.body) if response.header_bytes is None else response.header_bytes
    return json.loads(response.body[:size]), response.body[size:]


def outputs(prediction, *declared, **options):
    """What each output holds: datatype, shape, content type and data, by name."""
    document, _ = answer(prediction, *declared, **options)
    return {
        output["name"]: (
            output["datatype"],
            output["shape"],
            output["parameters"]["content_type"],
            output["data"],
        )
        for output in document["outputs"]
    }


def column(kind, name=None):
    """A declared column."""
    return {"type": kind} if name is None else {"type": kind, "name": name}


def test_an_array_is_one_output():
    """Its name is that of the signature, else a number; a declared column has two dimensions."""
    array = np.array([1, 2], "<i4")

    assert outputs(array) == {"output-0": ("INT32", [2], "np", [1, 2])}
    assert outputs(array, column("integer", "y")) == {"y": ("INT32", [2, 1], "np", [1, 2])}


def test_a_matrix_is_its_columns_where_these_are_declared():
    """The answer has the outputs that the metadata name."""
    found = outputs(np.array([[1.0, 2], [3, 4]]), column("double", "a"), column("double", "b"))

    assert found == {"a": ("FP64", [2, 1], "np", [1, 3]), "b": ("FP64", [2, 1], "np", [2, 4])}


def test_a_data_frame_is_an_output_for_each_column():
    """Datatypes are those that the values show; a list in a cell is JSON text."""
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "s": ["a", "é"], "b": [True, False], "v": [[1], []]})

    document, _ = answer(frame)

    assert document["parameters"] == {"content_type": "pd"}
    assert outputs(frame) == {
        "n": ("INT64", [2, 1], "np", [1, 2]),
        "x": ("FP64", [2, 1], "np", [0.5, None]),
        "s": ("BYTES", [2, 1], "str", ["a", "é"]),
        "b": ("BOOL", [2, 1], "np", [True, False]),
        "v": ("BYTES", [2, 1], "pd_json", ["[1]", "[]"]),
    }


def test_declared_columns_have_declared_datatypes():
    """A column is of the type that the signature says, if its values are; times and bytes are named."""
    frame = pd.DataFrame({"f": [0.5], "i": [1], "t": [pd.Timestamp("2024-01-02")], "x": [b"a" * 60]})
    declared = [column("float", "f"), column("integer", "i"), column("datetime", "t"), column("binary", "x")]

    assert outputs(frame, *declared) == {
        "f": ("FP32", [1, 1], "np", [0.5]),
        "i": ("INT32", [1, 1], "np", [1]),
        "t": ("BYTES", [1, 1], "datetime", ["2024-01-02T00:00:00"]),
        "x": ("BYTES", [1, 1], "base64", ["YWFh" * 20]),
    }


def test_nothing_is_rounded_to_be_as_declared():
    """Values that the declared datatype cannot hold have one that can."""
    frame = pd.DataFrame({"f": [0.1], "i": [1 << 40], "n": [None]})
    declared = [column("float", "f"), column("integer", "i"), column("long", "n")]

    assert {name: found[0] for name, found in outputs(frame, *declared).items()} == {
        "f": "FP64",
        "i": "INT64",
        "n": "FP64",
    }


def test_a_series_is_one_output():
    """A column without a name is 0 to pandas, and output-0 to the protocol."""
    assert outputs(pd.Series([1.5, 2.5])) == {"output-0": ("FP64", [2, 1], "np", [1.5, 2.5])}
    assert outputs(pd.Series([1.5], name="y"), column("double")) == {
        "output-0": ("FP64", [1, 1], "np", [1.5])
    }


def test_a_dictionary_is_an_output_for_each_member():
    """Arrays have their shapes; what is no array of one datatype is JSON text."""
    document, _ = answer({"a": np.ones((2, 2)), "b": {"c": [1, "x"]}, "n": None})

    assert document["parameters"] == {"content_type": "dict"}
    assert outputs({"a": np.ones((1, 2)), "b": {"c": [1, "x"]}, "n": None}) == {
        "a": ("FP64", [1, 2], "np", [1, 1]),
        "b": ("BYTES", [1], "pd_json", ['{"c": [1, "x"]}']),
        "n": ("BYTES", [1], "pd_json", ["null"]),
    }


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (["a", "b"], ("BYTES", [2], "str", ["a", "b"])),
        (["a", None], ("BYTES", [2], "pd_json", ['"a"', "null"])),
        ([[1, 2], [3]], ("BYTES", [2], "pd_json", ["[1, 2]", "[3]"])),
        ([{"a": 1}, {"b": 2}], ("BYTES", [2], "pd_json", ['{"a": 1}', '{"b": 2}'])),
        ([True, 1.5], ("BYTES", [2], "pd_json", ["true", "1.5"])),
        ([1, 2.5], ("FP64", [2], "np", [1, 2.5])),
        ([1 << 63], ("UINT64", [1], "np", [1 << 63])),
        ([(1 << 70) + 1], ("BYTES", [1], "pd_json", [str((1 << 70) + 1)])),
        ("text", ("BYTES", [1], "str", ["text"])),
        (7, ("INT64", [1], "np", [7])),
        ([], ("FP64", [0], "np", [])),
    ],
)
def test_lists_and_single_values_are_one_output(prediction, expected):
    """The datatype is the first that holds all values; JSON text where there is none."""
    assert outputs(prediction) == {"output-0": expected}


def test_only_wanted_outputs_are_answered():
    """In the order in which they are wanted, in JSON or in binary; an unknown one is refused by its place."""
    prediction = {"a": np.ones(1), "b": ["x"], "c": [1]}

    document, binary = answer(prediction, wanted=[Wanted("b", is_binary=True), Wanted("a", is_binary=None)])
    with pytest.raises(MalformedBody, match=r"'outputs' \[1\]"):
        answer(prediction, wanted=[Wanted("a", is_binary=None), Wanted("z", is_binary=None)])

    assert [output["name"] for output in document["outputs"]] == ["b", "a"]
    assert document["outputs"][0]["parameters"]["binary_data_size"] == len(binary)
    assert binary == b"\x01\0\0\0x"
    assert document["outputs"][1]["data"] == [1]


def test_an_output_decides_over_the_whole_answer():
    """All outputs are binary if the request says so, but for those that are wanted otherwise."""
    wanted = [Wanted("a", is_binary=False), Wanted("b", is_binary=None)]

    document, binary = answer({"a": [1], "b": [2]}, wanted=wanted, binary_data_output=True)

    assert "data" in document["outputs"][0]
    assert binary == (2).to_bytes(8, "little")


def test_infinities_are_refused_in_json():
    """JSON has no word for them: they are an error, texts if that is asked for, or binary; NaN is null."""
    array = np.array([1, math.nan, math.inf])

    with pytest.raises(OutputError, match="infinities"):
        answer(array)
    document, _ = answer(array, nonfinite="string")
    _, binary = answer(array, binary_data_output=True)

    assert document["outputs"][0]["data"] == [1, "NaN", "Infinity"]
    assert binary == array.tobytes()
    assert outputs(array[:2])["output-0"][3] == [1, None]


def test_texts_that_are_no_unicode_are_answered_all_the_same():
    """Half a surrogate pair is escaped in JSON, and a question mark in binary."""
    assert outputs(["\ud800"])["output-0"][3] == ["\ud800"]
    assert answer(["\ud800"], binary_data_output=True)[1] == b"\x01\0\0\0?"
