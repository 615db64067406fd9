"""How scoring requests are said on a route: what becomes of a body, and what a prediction is answered with.

Everything between the two (limits, deadlines, threads, the predictor) is the same on all routes:
`lading_runtime.server.invocations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lading_runtime.payload import Node, Payload
from lading_runtime.protocol.decode import decode
from lading_runtime.protocol.encode import encode
from lading_runtime.schema.signature import Signature
from lading_runtime.server.problems import MLFLOW_PROBLEMS, ProblemFormat
from lading_runtime.server.responses import Response
from lading_runtime.wire import Buffer

DONE = b"[DONE]"
"""What MLflow's agent server says behind the last part."""

Headers = dict[bytes, bytes]


class Question(Protocol):
    """A request that has been read."""

    @property
    def payload(self) -> Payload:
        """What the model is asked."""

    def answer(self, value: Node, buffers: Sequence[Buffer]) -> Response:
        """Return what a prediction is answered with.

        Raises:
            ScoringError: it cannot be said.
        """

    def part(self, value: Node, buffers: Sequence[Buffer]) -> bytes:
        """Return a part of a streamed prediction as the data of an event.

        Raises:
            ScoringError: it cannot be said.
        """


class Dialect(Protocol):
    """A way to ask for predictions."""

    @property
    def problems(self) -> ProblemFormat:
        """How errors are said."""

    @property
    def ending(self) -> bytes | None:
        """The data of the event behind the last part of a streamed answer; None: there is none."""

    def read(
        self, body: bytes, headers: Headers, signature: Signature | None, *, is_streamable: bool
    ) -> Question:
        """Return what *body* asks of a model with *signature*, which may be one that answers in parts.

        Raises:
            RequestError: nothing that it could be asked.
        """


class Invocation(NamedTuple):
    """A request as MLflow's scoring server takes it."""

    payload: Payload

    def answer(self, value: Node, buffers: Sequence[Buffer]) -> Response:
        """Return what a prediction is answered with."""
        return Response(encode(value, buffers, is_wrapped=self.payload.is_wrapped))

    def part(self, value: Node, buffers: Sequence[Buffer]) -> bytes:
        """Return a part of a streamed prediction."""
        return encode(value, buffers, is_wrapped=False)


class MlflowDialect:
    """MLflow's scoring protocol."""

    problems: ProblemFormat = MLFLOW_PROBLEMS
    ending: bytes | None = DONE

    def read(
        self, body: bytes, headers: Headers, signature: Signature | None, *, is_streamable: bool
    ) -> Invocation:
        """Return what *body* asks."""
        content_type = headers.get(b"content-type")
        media_type = None if content_type is None else content_type.decode("latin-1")
        return Invocation(decode(body, media_type, signature, is_streamable=is_streamable))
