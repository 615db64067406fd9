"""The body of an inference request → tensors: JSON, and the binary data behind it.

The binary extension is Triton's (``docs/protocol/extension_binary_data.md``): the header
``Inference-Header-Content-Length`` says where the JSON ends; a tensor with ``binary_data_size`` takes that
many of the bytes that follow, in order. A length of 0 means that there is no JSON at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from lading_runtime.errors import MalformedBody, Unsupported
from lading_runtime.protocol.json_text import read_json
from lading_runtime.protocol.open_inference.datatypes import (
    BFLOAT16,
    BYTES,
    as_object,
    check_datatype,
    item_bytes,
    pack,
    unpack_texts,
    widen,
)
from lading_runtime.protocol.open_inference.metadata import Declared
from lading_runtime.protocol.open_inference.tensors import Numbers, Shape, Tensor, Texts, text_parameter
from lading_runtime.schema.cells import MAX_DIMENSIONS, flatten, json_type
from lading_runtime.schema.refusals import Unreadable

MAX_EMPTY = 1 << 16
"""Of the lengths beside a 0 in a shape, multiplied: a few bytes could ask for any number of empty lists."""

BINARY_SIZE = "binary_data_size"
SHARED_MEMORY = "shared_memory_region"
CLASSIFICATION = "classification"


class Wanted(NamedTuple):
    """An output that a request asks for."""

    name: str

    is_binary: bool | None
    """None: as the request says for all."""


class InferenceRequest(NamedTuple):
    """What a client asks."""

    id: str
    """The client's own, or a new one."""

    inputs: tuple[Tensor, ...]
    parameters: Mapping[str, Any]

    wanted: tuple[Wanted, ...] = ()
    """Empty: all outputs."""

    @property
    def content_type(self) -> str | None:
        """What the inputs are together, if the client says so."""
        return text_parameter(self.parameters, "content_type")

    @property
    def is_binary(self) -> bool:
        """Whether outputs are wanted in binary, unless one says otherwise."""
        return self.parameters.get("binary_data_output") is True

    @property
    def says_nonfinite(self) -> bool:
        """Whether NaN and the infinities are wanted as texts, which JSON has."""
        return self.parameters.get("nonfinite") == "string"


def read_request(
    body: bytes, header_bytes: int | None, declared: Sequence[Declared], *, is_exact: bool
) -> InferenceRequest:
    """Return what *body* asks.

    Args:
        body: JSON, and binary data if *header_bytes* says where they begin.
        header_bytes: None where there are none.
        declared: the model's inputs.
        is_exact: whether integers beyond 64 bits matter.

    Raises:
        MalformedBody: it is no request of this protocol.
        Unsupported: it asks for something that this server has not.
    """
    if header_bytes == 0:
        return _read_raw(body, declared)
    if header_bytes is not None and header_bytes > len(body):
        raise MalformedBody("Inference-Header-Content-Length is more than the length of the body")
    document = read_json(body if header_bytes is None else body[:header_bytes], is_exact=is_exact)
    if not isinstance(document, dict):
        raise MalformedBody(f"the body must be a JSON object with 'inputs', not {json_type(document)}")
    binary = _Binary(memoryview(body)[len(body) if header_bytes is None else header_bytes :])
    inputs = tuple(_read_input(item, binary) for item in _objects(document, "inputs"))
    binary.check_end()
    if not inputs:
        raise MalformedBody("'inputs' must have at least one tensor")
    return InferenceRequest(
        id=_identifier(document.get("id")),
        inputs=inputs,
        parameters=as_object(document.get("parameters"), "'parameters'"),
        wanted=tuple(map(_read_output, _objects(document, "outputs"))),
    )


def _objects(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = document.get(key)
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedBody(f"{key!r} must be a list of objects")
    return items


def _identifier(given: object) -> str:
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str):
        raise MalformedBody("'id' must be a text")
    return given


class _Binary:
    """The bytes behind the JSON, of which each tensor takes its own."""

    def __init__(self, rest: memoryview) -> None:
        self._rest = rest

    def take(self, size: object) -> memoryview:
        if type(size) is not int or not 0 <= size <= len(self._rest):
            raise MalformedBody(f"{BINARY_SIZE!r} is no number of bytes that the body has")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def check_end(self) -> None:
        if self._rest:
            raise MalformedBody(f"{len(self._rest)} bytes behind the inputs")


def _read_input(item: Mapping[str, Any], binary: _Binary) -> Tensor:
    name, datatype, shape = item.get("name"), check_datatype(item.get("datatype")), _shape(item.get("shape"))
    if not isinstance(name, str):
        raise MalformedBody("an input has no name")
    parameters = as_object(item.get("parameters"), "'parameters' of an input")
    if SHARED_MEMORY in parameters:
        raise Unsupported("this server shares no memory with clients")
    content_type = text_parameter(parameters, "content_type")
    try:
        if BINARY_SIZE in parameters:
            return from_bytes(name, datatype, shape, binary.take(parameters[BINARY_SIZE]), content_type)
        if "data" not in item:
            raise MalformedBody(f"input {name!r} has neither 'data' nor {BINARY_SIZE!r}")
        return from_json(name, datatype, shape, item["data"], content_type)
    except Unreadable as problem:
        raise MalformedBody(f"input {name!r} ({datatype}): {problem}") from problem


def _shape(shape: object) -> Shape:
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise MalformedBody("an input has no shape: a list of lengths")
    if len(shape) > MAX_DIMENSIONS:
        raise MalformedBody(f"an input has more than {MAX_DIMENSIONS} dimensions")
    if 0 in shape and prod(filter(None, shape)) > MAX_EMPTY:
        raise MalformedBody("an input has no elements, and too many rows of them")
    return tuple(shape)


def from_json(name: str, datatype: str, shape: Shape, data: Any, content_type: str | None) -> Tensor:
    """Return a tensor of JSON values, nested or flat.

    Raises:
        Unreadable: they are not as many as the shape says, or not of the datatype.
    """
    if datatype == BFLOAT16:
        raise Unreadable("only as binary data")
    found, cells = flatten(data)
    if len(cells) != prod(shape) or (len(found) > 1 and found != shape):
        raise Unreadable(f"data of shape {list(found)} where {list(shape)} is said")
    if datatype != BYTES:
        return Numbers(name, datatype, shape, pack(datatype, cells), content_type)
    if set(map(type, cells)) - {str, type(None)}:
        raise Unreadable("elements that are no texts")
    return Texts(name, shape, cells, content_type)


def from_bytes(name: str, datatype: str, shape: Shape, data: memoryview, content_type: str | None) -> Tensor:
    """Return a tensor of binary data.

    Raises:
        Unreadable: they are not as many as the shape says.
    """
    count = prod(shape)
    if datatype == BYTES:
        texts = unpack_texts(data)
        if len(texts) != count:
            raise Unreadable(f"{len(texts)} elements where the shape says {count}")
        return Texts(name, shape, texts, content_type)
    if len(data) != count * item_bytes(datatype):
        raise Unreadable(f"{len(data)} bytes where the shape says {count * item_bytes(datatype)}")
    if datatype == BFLOAT16:
        return Numbers(name, "FP32", shape, widen(data), content_type)
    return Numbers(name, datatype, shape, data, content_type)


def _read_output(item: Mapping[str, Any]) -> Wanted:
    name, parameters = item.get("name"), as_object(item.get("parameters"), "'parameters' of an output")
    if not isinstance(name, str):
        raise MalformedBody("an output has no name")
    if SHARED_MEMORY in parameters:
        raise Unsupported("this server shares no memory with clients")
    if parameters.get(CLASSIFICATION):
        raise Unsupported("this server has no classification extension")
    is_binary = parameters.get("binary_data")
    return Wanted(name, is_binary if isinstance(is_binary, bool) else None)


def _read_raw(body: bytes, declared: Sequence[Declared]) -> InferenceRequest:
    """Return a request of nothing but the elements of the only input, as one row."""
    if len(declared) != 1:
        raise MalformedBody("a body without JSON needs a model with exactly one input")
    only = declared[0]
    parameters = {"binary_data_output": True}
    if only.datatype == BYTES:
        shape = tuple(1 for _ in only.shape)
        return InferenceRequest(_identifier(None), (Texts(only.name, shape, [body]),), parameters)
    size = item_bytes(only.datatype)
    try:
        shape = _raw_shape(only.shape, len(body) // size)
        tensor = from_bytes(only.name, only.datatype, shape, memoryview(body), None)
    except Unreadable as problem:
        raise MalformedBody(f"input {only.name!r} ({only.datatype}): {problem}") from problem
    return InferenceRequest(_identifier(None), (tensor,), parameters)


def _raw_shape(declared: Iterable[int], count: int) -> Shape:
    """Return the shape of one row of *count* elements; one length that is declared as any can be told."""
    shape = list(declared)
    if shape and shape[0] < 0:
        shape[0] = 1
    known = prod(length for length in shape if length >= 0)
    free = [position for position, length in enumerate(shape) if length < 0]
    if len(free) > 1 or known == 0:
        raise Unreadable("a shape that the number of bytes does not tell")
    for position in free:
        shape[position] = count // known
    return tuple(shape)
