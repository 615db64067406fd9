"""Any tensors, in JSON and in binary: what goes in is what the model is given, what it gives comes out."""

import json
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading_runtime.errors import RequestError
from lading_runtime.protocol.open_inference.inputs import payload_of
from lading_runtime.protocol.open_inference.metadata import Identity, declared_inputs
from lading_runtime.protocol.open_inference.outputs import outputs_of
from lading_runtime.protocol.open_inference.request import InferenceRequest, read_request
from lading_runtime.protocol.open_inference.response import write_response
from lading_runtime.schema.signature import read_signature
from lading_runtime.worker import frames
from lading_runtime.worker.encode import encode

IDENTITY = Identity("iris", "3", "mlflow_sklearn")
DTYPES = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
shapes = st.lists(st.integers(0, 3), min_size=1, max_size=3)


@st.composite
def arrays(draw):
    """A datatype of numbers, and an array of it, whatever its bits."""
    datatype = draw(st.sampled_from(list(DTYPES)))
    shape = draw(shapes)
    dtype = np.dtype(DTYPES[datatype])
    size = int(np.prod(shape)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    if datatype == "BOOL":
        data = bytes(byte & 1 for byte in data)
    return datatype, np.frombuffer(data, dtype).reshape(shape)


@st.composite
def finite_arrays(draw):
    """The same, without infinities, which JSON does not have."""
    datatype, array = draw(arrays())
    is_finite = array.dtype.kind != "f" or not np.isinf(array).any()
    return datatype, array if is_finite else np.zeros_like(array)


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4)


def with_null(array):
    """An array as JSON has it: null for NaN."""
    return [None if value != value else value for value in array.ravel().tolist()]  # noqa: PLR0124 - NaN


def built(request, signature=None):
    """What the model is given for a request."""
    payload = payload_of(request, signature, is_streamed=False)
    node = json.loads(json.dumps(payload.data))
    return frames.build(node, [bytearray(buffer) for buffer in payload.buffers])


def binary_request(*inputs):
    """A body of inputs (name, datatype, shape, bytes), and where its JSON ends."""
    described = [
        {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
        for name, datatype, shape, data in inputs
    ]
    text = json.dumps({"inputs": described}).encode()
    return b"".join([text, *[data for *_, data in inputs]]), len(text)


@given(finite_arrays())
def test_json_data_reach_the_model_as_the_array_that_they_say(sent):
    """Numbers in JSON become an array of their datatype and shape; null is NaN."""
    datatype, array = sent
    item = {"name": "x", "datatype": datatype, "shape": list(array.shape), "data": with_null(array)}

    request = read_request(json.dumps({"inputs": [item]}).encode(), None, (), is_exact=True)

    given_to_model = built(request)
    assert given_to_model.dtype == array.dtype
    np.testing.assert_array_equal(given_to_model, array)


@given(finite_arrays())
def test_nested_data_are_the_same_as_flat_ones(sent):
    """Data may be nested as the shape says, which makes no difference."""
    datatype, array = sent
    flat = {"name": "x", "datatype": datatype, "shape": list(array.shape), "data": with_null(array)}
    nested = {**flat, "data": np.array(with_null(array), dtype=object).reshape(array.shape).tolist()}

    # Lists without elements do not tell their shape.
    if array.size:
        first, second = (
            built(read_request(json.dumps({"inputs": [item]}).encode(), None, (), is_exact=True))
            for item in (flat, nested)
        )
        assert first.tobytes() == second.tobytes()


@given(st.lists(arrays(), min_size=1, max_size=4))
def test_binary_data_reach_the_model_bit_by_bit(sent):
    """Binary tensors follow the JSON in order, and every bit of them arrives, also of NaN and infinity."""
    inputs = [
        (f"t{n}", datatype, list(array.shape), array.tobytes()) for n, (datatype, array) in enumerate(sent)
    ]
    body, header_bytes = binary_request(*inputs)

    given_to_model = built(read_request(body, header_bytes, (), is_exact=True))

    found = given_to_model if isinstance(given_to_model, dict) else {"t0": given_to_model}
    for (name, *_), (_, array) in zip(inputs, sent, strict=True):
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@given(texts)
def test_texts_reach_the_model_from_json_and_from_binary(sent):
    """BYTES are texts in JSON, and UTF-8 behind a length in binary."""
    data = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in sent)
    body, header_bytes = binary_request(("x", "BYTES", [len(sent)], data))
    item = {"name": "x", "datatype": "BYTES", "shape": [len(sent), 1], "data": sent}
    item["parameters"] = {"content_type": "str"}
    as_json = json.dumps({"inputs": [item]}).encode()

    from_binary = built(read_request(body, header_bytes, (), is_exact=True))
    from_json = built(read_request(as_json, None, (), is_exact=True))

    # NumPy cuts zeros off the end of a text.
    assert from_binary.tolist() == from_json.tolist() == np.array(sent).tolist()


@given(arrays(), st.booleans())
def test_arrays_of_numbers_are_answered_as_they_are(prediction, is_binary):
    """The model's array comes out with its datatype and shape, in JSON and, bit by bit, in binary."""
    _, array = prediction
    array = np.where(np.isinf(array), 0, array).astype(array.dtype) if array.dtype.kind == "f" else array
    value, buffers = encode(array)
    request = InferenceRequest("7", (), {"binary_data_output": is_binary})

    outputs = outputs_of(value, [bytes(buffer) for buffer in buffers], ())
    response = write_response(request, IDENTITY, outputs)

    document = json.loads(response.body[: response.header_bytes])
    (output,) = document["outputs"]
    assert (document["id"], document["model_name"], document["model_version"]) == ("7", "iris", "3")
    if value["kind"] == "array":  # 16-bit floats come as JSON
        assert np.dtype(DTYPES[output["datatype"]]) == array.dtype
        assert tuple(output["shape"]) == array.shape
    if is_binary and value["kind"] == "array":
        assert response.body[response.header_bytes :] == array.tobytes()
    if not is_binary:
        assert output["data"] == with_null(array)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab1", max_size=3),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text("ab", max_size=2), values, max_size=3)
    ),
    max_leaves=6,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text("ab", max_size=2) | json_values,
        "datatype": st.sampled_from([*DTYPES, "BYTES", "BF16"]) | json_values,
        "shape": shapes | json_values,
        "data": st.lists(json_values, max_size=4) | json_values,
        "parameters": json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "binary_data_size": st.integers(-1, 9) | json_values,
                "content_type": st.sampled_from(["np", "pd", "str", "base64", "datetime", "pd_json", "dict"]),
            },
        ),
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "inputs": st.lists(items, max_size=2) | json_values,
        "outputs": st.lists(items, max_size=2) | json_values,
        "parameters": json_values
        | st.fixed_dictionaries({"content_type": st.sampled_from(["np", "pd", "str", "dict"])}),
    },
)


def signature_of(*inputs, **mlmodel):
    """A signature with these inputs."""
    return read_signature({"signature": {"inputs": json.dumps(inputs)}, **mlmodel})


ARRAY = {"type": "array", "items": {"type": "double"}}
TENSOR = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}
signatures = st.sampled_from(
    [
        None,
        *(signature_of({"type": kind, "name": "a"}) for kind in ("double", "long", "boolean", "string")),
        *(signature_of({"type": kind, "name": "a"}) for kind in ("binary", "datetime", "any")),
        signature_of({**ARRAY, "name": "a"}, {"type": "double", "name": "b", "required": False}),
        signature_of({"type": "double"}, {"type": "string"}),
        signature_of(TENSOR),
        signature_of({**TENSOR, "name": "a"}),
        signature_of({"type": "tensor", "tensor-spec": {"dtype": "object", "shape": [-1]}, "name": "a"}),
        signature_of({"type": "string"}, is_signature_from_type_hint=True),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=400)
@given(documents, st.binary(max_size=9), st.booleans(), signatures)
def test_whatever_is_sent_is_read_or_refused(document, rest, is_binary, signature):
    """A body becomes a payload, or an error that is the client's, whatever the model's signature is."""
    text = json.dumps(document).encode()
    declared = declared_inputs(signature)
    try:
        request = read_request(
            text + rest * is_binary, len(text) if is_binary else None, declared, is_exact=True
        )
        payload = payload_of(request, signature, is_streamed=False)
    except RequestError:
        return

    assert payload.data["kind"] in {"array", "numpy", "dict", "frame", "table", "json"}


@pytest.mark.parametrize("header_bytes", [0, 5, 1000])
def test_broken_headers_are_refused(header_bytes):
    """A length that is not that of the JSON is the client's error."""
    with pytest.raises(RequestError):
        read_request(b'{"inputs": []}', header_bytes, (), is_exact=True)
