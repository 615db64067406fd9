"""Answers in ASGI's two messages."""

from __future__ import annotations

import orjson
from starlette.types import Send

from lading_runtime.errors import NotReady, ScoringError
from lading_runtime.server.problems import MLFLOW_PROBLEMS, RETRY_AFTER_S, ProblemFormat

JSON = b"application/json"


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
    retry_after = ((b"retry-after", str(RETRY_AFTER_S).encode()),) if isinstance(error, NotReady) else ()
    body = orjson.dumps(problems.fields(error, has_stack_traces=has_stack_traces))
    await respond(send, problems.status(error), body, headers=retry_after)
