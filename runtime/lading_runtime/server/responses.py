"""Answers in ASGI's two messages."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from starlette.types import Send

from lading_runtime.errors import BodyTooSlow, NotReady, Overloaded, ScoringError
from lading_runtime.server.problems import MLFLOW_PROBLEMS, RETRY_AFTER_S, ProblemFormat

JSON = b"application/json"


class Response(NamedTuple):
    """A whole answer."""

    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


async def respond(
    send: Send,
    status: int,
    body: bytes,
    *,
    media_type: bytes = JSON,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Answer with *body*."""
    length = str(len(body)).encode()
    described = [(b"content-type", media_type), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": body})


async def respond_problem(
    send: Send,
    error: ScoringError,
    *,
    has_stack_traces: bool = False,
    problems: ProblemFormat = MLFLOW_PROBLEMS,
) -> None:
    """Answer with *error*, in the format of the route."""
    await send_whole(send, problem_response(error, problems, has_stack_traces=has_stack_traces))


def problem_response(error: ScoringError, problems: ProblemFormat, *, has_stack_traces: bool) -> Response:
    """Return the answer that says *error*."""
    body = orjson.dumps(problems.fields(error, has_stack_traces=has_stack_traces))
    return Response(body, headers=_headers(error), status=problems.status(error))


async def send_whole(send: Send, response: Response) -> None:
    """Answer with *response*."""
    body, media_type, headers, status = response
    await respond(send, status, body, media_type=media_type, headers=headers)


def _headers(error: ScoringError) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that says when to come again, for errors that pass, or that it must be anew."""
    if isinstance(error, BodyTooSlow):
        return ((b"connection", b"close"),)  # RFC 9110 §15.5.9
    if not isinstance(error, (NotReady, Overloaded)):
        return ()
    seconds = error.retry_after_s if isinstance(error, Overloaded) else RETRY_AFTER_S
    return ((b"retry-after", str(seconds).encode()),)
