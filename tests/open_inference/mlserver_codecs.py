"""What a server answers to what MLServer's codecs write, as these codecs read it.

    python -m tests.open_inference.mlserver_codecs

Reads requests and writes answers, one per line (`values.serve`).
"""

import json
import urllib.request
from typing import Any

import pandas as pd
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, Parameters

from tests.open_inference.values import array_of, plain, plain_value, serve


def encoded(request: dict[str, Any]) -> InferenceRequest:
    """Return *request* as the codec of its kind writes it."""
    arrays = {tensor["name"]: array_of(tensor) for tensor in request["tensors"]}
    if request["kind"] == "frame":
        frame = pd.DataFrame({tensor["name"]: series_of(tensor) for tensor in request["tensors"]})
        return PandasCodec.encode_request(frame, use_bytes=False)
    if request["kind"] == "array" and "BYTES" not in {tensor["datatype"] for tensor in request["tensors"]}:
        (array,) = arrays.values()
        return NumpyRequestCodec.encode_request(array)
    inputs = [written(name, array) for name, array in arrays.items()]
    return InferenceRequest(inputs=inputs)


def series_of(tensor: dict[str, Any]) -> Any:
    """Return a column, of what JSON texts say."""
    if tensor.get("is_json"):
        return pd.Series(list(map(json.loads, tensor["data"])))
    return pd.Series(array_of(tensor).ravel())


def written(name: str, array: Any) -> Any:
    """Return *array* as one input."""
    if array.dtype == object:
        return StringCodec.encode_input(name, array.ravel().tolist(), use_bytes=False)
    return NumpyCodec.encode_input(name, array)


def answer(url: str, model: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the codecs read in the answer."""
    asked = encoded(request)
    for name, value in request.get("parameters", {}).items():
        asked.parameters = asked.parameters or Parameters()
        setattr(asked.parameters, name, value)
    body = asked.model_dump_json(exclude_none=True).encode()
    headers = {"Content-Type": "application/json"}
    post = urllib.request.Request(f"{url}/v2/models/{model}/infer", body, headers)
    with urllib.request.urlopen(post, timeout=60) as response:
        found = InferenceResponse.model_validate_json(response.read())
    if found.parameters is not None and found.parameters.content_type == "pd":
        frame = PandasCodec.decode_response(found)
        return {"decoded": {name: plain_column(frame[name]) for name in frame}}
    outputs = {output.name: output for output in found.outputs}
    return {"decoded": {name: plain_output(output) for name, output in outputs.items()}}


def plain_column(series: Any) -> list[Any]:
    """Return a column of a data frame as JSON values."""
    return list(map(plain_value, series.tolist()))


def plain_output(output: Any) -> list[Any]:
    """Return an output as its codec reads it; JSON texts as they are."""
    if output.datatype == "BYTES":
        return list(StringCodec.decode_output(output))
    return plain(NumpyCodec.decode_output(output))


if __name__ == "__main__":
    serve(answer)
