"""Tensors → the body of an answer: JSON, and the binary data behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from lading_runtime.errors import MalformedBody, OutputError
from lading_runtime.protocol.open_inference.datatypes import FLOATS, pack_texts
from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.protocol.open_inference.outputs import Outputs
from lading_runtime.protocol.open_inference.request import BINARY_SIZE, InferenceRequest
from lading_runtime.protocol.open_inference.tensors import Numbers, Tensor
from lading_runtime.wire import Buffer

WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


class Response(NamedTuple):
    """The body of an answer."""

    body: bytes

    header_bytes: int | None
    """Where the JSON ends; None where nothing follows it."""


def write_response(request: InferenceRequest, identity: Identity, outputs: Outputs) -> Response:
    """Return the answer to *request*: the outputs that it wants, in its order.

    Raises:
        MalformedBody: it wants one that the model has not.
        OutputError: an output has infinities, which JSON has not.
    """
    binary: list[Buffer] = []
    written = [
        _write_binary(tensor, binary) if is_binary else _write_json(tensor, request)
        for tensor, is_binary in chosen(request, outputs.tensors)
    ]
    document = {
        "model_name": identity.name,
        "model_version": identity.version,
        "id": request.id,
        "parameters": {"content_type": outputs.content_type},
        "outputs": written,
    }
    text = dump(document)
    return Response(b"".join([text, *binary]), len(text) if any_binary(written) else None)


def dump(document: Any) -> bytes:
    """Return *document* as JSON, NaN as null."""
    try:
        return orjson.dumps(document)
    except TypeError:  # lone surrogates
        return json.dumps(document).encode()


def any_binary(written: Sequence[dict[str, Any]]) -> bool:
    """Tell whether an output is behind the JSON."""
    return any("data" not in output for output in written)


def chosen(request: InferenceRequest, tensors: Sequence[Tensor]) -> list[tuple[Tensor, bool]]:
    """Return the outputs that *request* wants, and whether in binary.

    Raises:
        MalformedBody: there is no such output.
    """
    if not request.wanted:
        return [(tensor, request.is_binary) for tensor in tensors]
    by_name = {tensor.name: tensor for tensor in tensors}
    # By their places: what a request calls them, and what a prediction does, are values, and this is logged.
    unknown = [place for place, wanted in enumerate(request.wanted) if wanted.name not in by_name]
    if unknown:
        raise MalformedBody(f"the model gave no outputs of these names: 'outputs' {unknown}")
    return [
        (by_name[wanted.name], request.is_binary if wanted.is_binary is None else wanted.is_binary)
        for wanted in request.wanted
    ]


def _describe(tensor: Tensor, **parameters: Any) -> dict[str, Any]:
    content_type = {} if tensor.content_type is None else {"content_type": tensor.content_type}
    return {
        "name": tensor.name,
        "shape": tensor.shape,
        "datatype": tensor.datatype,
        "parameters": {**content_type, **parameters},
    }


def _write_binary(tensor: Tensor, binary: list[Buffer]) -> dict[str, Any]:
    if isinstance(tensor, Numbers):
        buffer: Buffer = tensor.buffer
    else:
        buffer = pack_texts([text.encode("utf-8", "replace") for text in tensor.elements])
    binary.append(buffer)
    return _describe(tensor, **{BINARY_SIZE: len(buffer)})


def _write_json(tensor: Tensor, request: InferenceRequest) -> dict[str, Any]:
    if not isinstance(tensor, Numbers):
        return {**_describe(tensor), "data": tensor.elements}
    cells = tensor.cells()
    if tensor.datatype not in FLOATS or all(map(math.isfinite, cells)):
        return {**_describe(tensor), "data": cells}
    if request.says_nonfinite:
        return {**_describe(tensor, nonfinite="string"), "data": list(map(_said, cells))}
    if any(map(math.isinf, cells)):
        raise OutputError(
            f"output {tensor.name!r} has infinities, which JSON has not: ask for binary data,"
            ' or for texts with the parameter "nonfinite": "string"'
        )
    return {**_describe(tensor), "data": cells}


def _said(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    return WORDS.get(number, number)
