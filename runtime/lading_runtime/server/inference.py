"""Inference requests of the Open Inference Protocol, as a dialect of scoring requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lading_runtime.errors import MalformedBody, UnsupportedMediaType
from lading_runtime.payload import Node, Payload
from lading_runtime.protocol.open_inference.inputs import payload_of
from lading_runtime.protocol.open_inference.metadata import (
    Declared,
    Identity,
    declared_inputs,
    declared_outputs,
)
from lading_runtime.protocol.open_inference.outputs import outputs_of
from lading_runtime.protocol.open_inference.request import InferenceRequest, read_request
from lading_runtime.protocol.open_inference.response import write_response
from lading_runtime.schema.signature import Signature
from lading_runtime.server.dialect import Headers
from lading_runtime.server.problems import OPEN_INFERENCE_PROBLEMS, ProblemFormat
from lading_runtime.server.responses import Response
from lading_runtime.wire import Buffer

HEADER_LENGTH = b"inference-header-content-length"
LENGTH = re.compile(rb"\d{1,18}")
"""More digits are more than any body has, and from 4301 on Python refuses to read them."""

BINARY = b"application/octet-stream"

MEDIA_TYPES = frozenset({b"", b"application/json", BINARY, b"application/x-www-form-urlencoded"})
"""The last is what curl says where nobody tells it; Triton's own documentation leaves it at that."""


class Inference(NamedTuple):
    """A request that has been read."""

    payload: Payload
    request: InferenceRequest
    identity: Identity
    outputs: tuple[Declared, ...]

    def answer(self, value: Node, buffers: Sequence[Buffer]) -> Response:
        """Return what a prediction is answered with.

        Raises:
            MalformedBody: the request wants outputs that the model has not.
            OutputError: an output has what JSON has not.
        """
        found = outputs_of(value, buffers, self.outputs)
        response = write_response(self.request, self.identity, found)
        if response.header_bytes is None:
            return Response(response.body)
        length = str(response.header_bytes).encode()
        return Response(response.body, BINARY, ((HEADER_LENGTH, length),))

    def part(self, value: Node, buffers: Sequence[Buffer]) -> bytes:
        """Return a part of a streamed prediction: a whole answer of its own, in JSON."""
        found = outputs_of(value, buffers, self.outputs)
        wanted = tuple(output._replace(is_binary=False) for output in self.request.wanted)
        parameters = {**self.request.parameters, "binary_data_output": False}
        request = self.request._replace(wanted=wanted, parameters=parameters)
        return write_response(request, self.identity, found).body


class InferenceDialect:
    """``/v2/models/MODEL/infer``."""

    problems: ProblemFormat = OPEN_INFERENCE_PROBLEMS
    ending: bytes | None = None
    """MLServer's clients read every event as an answer."""

    def __init__(self, identity: Identity, signature: Signature | None, *, is_streamed: bool = False) -> None:
        self._identity = identity
        self._inputs = declared_inputs(signature)
        self._outputs = declared_outputs(signature)
        self._is_streamed = is_streamed

    def read(
        self, body: bytes, headers: Headers, signature: Signature | None, *, is_streamable: bool
    ) -> Inference:
        """Return what *body* asks.

        Raises:
            UnsupportedMediaType: it is neither JSON nor binary data.
            MalformedBody: it is no request of this protocol.
            SchemaViolation: the data do not fit the signature.
            InvalidParams: the params do not fit the signature.
        """
        is_exact = signature is None or signature.keeps_values
        request = read_request(body, header_length(headers), self._inputs, is_exact=is_exact)
        payload = payload_of(request, signature, is_streamed=self._is_streamed and is_streamable)
        return Inference(payload, request, self._identity, self._outputs)


def header_length(headers: Headers) -> int | None:
    """Return where the JSON of a body ends, or None where it is all of it.

    Raises:
        UnsupportedMediaType: the body is something else.
        MalformedBody: the length is none.
    """
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaType("this path takes application/json and application/octet-stream")
    length = headers.get(HEADER_LENGTH)
    if length is None:
        if media_type == BINARY:
            raise MalformedBody("application/octet-stream needs the header Inference-Header-Content-Length")
        return None
    if LENGTH.fullmatch(length) is None:
        raise MalformedBody("Inference-Header-Content-Length is no length")
    return int(length)
