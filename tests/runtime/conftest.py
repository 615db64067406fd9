"""The way of a request from its body to what the model is given, without sockets and processes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from lading_runtime.payload import Payload
from lading_runtime.protocol.decode import decode
from lading_runtime.schema.signature import Signature, read_signature
from lading_runtime.worker import frames

Given = Callable[..., Any]


def signature_of(
    *inputs: dict[str, Any], params: list[dict[str, Any]] | None = None, **mlmodel: Any
) -> Signature:
    """The signature of an MLmodel file with these inputs and params."""
    written = {
        "inputs": json.dumps(inputs) if inputs else None,
        "params": json.dumps(params) if params else None,
    }
    signature = read_signature({"signature": written, **mlmodel})
    assert signature is not None
    return signature


def columns(**types: str | dict[str, Any]) -> Signature:
    """A signature of named columns; a type is a name, or as MLmodel writes it."""
    kinds = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in types.items()}
    return signature_of(*({**kind, "name": name} for name, kind in kinds.items()))


def crossed(payload: Payload) -> tuple[Any, Any]:
    """What the model process makes of a payload: data and params."""
    header = json.loads(json.dumps({"data": payload.data, "params": payload.params}))
    buffers = [bytearray(buffer) for buffer in payload.buffers]
    params = None if header["params"] is None else frames.build(header["params"], buffers)
    return frames.build(header["data"], buffers), params


def encoded(body: Any) -> bytes:
    """A body as bytes: as it is, or as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def make_signature() -> Callable[..., Signature]:
    """`signature_of`."""
    return signature_of


@pytest.fixture
def make_columns() -> Callable[..., Signature]:
    """`columns`."""
    return columns


@pytest.fixture
def given() -> Given:
    """Give what a model with a signature is given for a body."""

    def data_of(signature: Signature | None, body: Any, content_type: str = "application/json") -> Any:
        return crossed(decode(encoded(body), content_type, signature))[0]

    return data_of


@pytest.fixture
def given_params() -> Given:
    """Give the params that a model with a signature is given for a body."""

    def params_of(signature: Signature | None, body: Any) -> Any:
        return crossed(decode(encoded(body), None, signature))[1]

    return params_of
