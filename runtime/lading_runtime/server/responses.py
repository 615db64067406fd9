"""Answers in ASGI's two messages."""

from __future__ import annotations

from starlette.types import Send

from lading_runtime.errors import NotReady, ScoringError
from lading_runtime.server.problems import RETRY_AFTER_S, body_of, problem_of

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


async def respond_problem(send: Send, error: ScoringError, *, has_stack_traces: bool = False) -> None:
    """Answer with *error*."""
    retry_after = ((b"retry-after", str(RETRY_AFTER_S).encode()),) if isinstance(error, NotReady) else ()
    body = body_of(error, has_stack_traces=has_stack_traces)
    await respond(send, problem_of(error).status, body, headers=retry_after)
