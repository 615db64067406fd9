"""Lets in who brings a key, and tells browsers whose pages may read the answers.

Without a key, only probes are answered: what asks whether a container lives can often not be given
a secret; and pages, which know nothing of the model until they are given a key.
``/metrics`` wants the key, too; Prometheus sends one (``authorization``, ``credentials_file``).
A request without one is refused before any of its body is read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from lading_runtime.errors import Unauthenticated
from lading_runtime.server.api_keys import ApiKeys
from lading_runtime.server.exchange import SCOPE_KEY
from lading_runtime.server.problems import MLFLOW_PROBLEMS, OPEN_INFERENCE_PROBLEMS
from lading_runtime.server.responses import respond

READING = frozenset(["GET", "HEAD"])
PROBES = frozenset(["/health", "/ping", "/v2/health/live", "/v2/health/ready"])

CHALLENGE = ((b"www-authenticate", b"Bearer"),)
"""RFC 9110 §11.6.1: a 401 says what would help."""

CORS_METHODS = ("GET", "HEAD", "POST")
CORS_REQUEST_HEADERS = (
    *("authorization", "x-api-key", "x-request-id", "x-request-timeout", "traceparent", "tracestate"),
    *("content-encoding", "inference-header-content-length"),
)
CORS_ANSWER_HEADERS = ("x-request-id", "traceparent", "retry-after", "inference-header-content-length")


def controlled(
    app: ASGIApp, keys: ApiKeys | None, origins: Sequence[str], open_paths: Collection[str] = PROBES
) -> ASGIApp:
    """Return *app* for who brings one of *keys*, if there are any, and for pages of *origins*.

    *open_paths* may be read by all.
    """
    if keys is not None:
        app = Guard(app, keys, open_paths)
    if origins:
        # Around the guard: a browser asks for leave before it sends any key (Fetch standard, §4.8).
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_ANSWER_HEADERS,
        )
    return app


class Guard:
    """An ASGI application that lets requests through to another one if they bring a key."""

    def __init__(self, app: ASGIApp, keys: ApiKeys, open_paths: Collection[str]) -> None:
        self._app = app
        self._keys = keys
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the application's lifespan."""
        if scope["type"] != "http" or self._is_open(scope) or self._keys.admits(scope["headers"]):
            await self._app(scope, receive, send)
            return
        error = Unauthenticated("expected an API key, as Authorization: Bearer or X-API-Key")
        scope[SCOPE_KEY].error = type(error).__name__
        problems = OPEN_INFERENCE_PROBLEMS if scope["path"].startswith("/v2") else MLFLOW_PROBLEMS
        body = orjson.dumps(problems.fields(error, has_stack_traces=False))
        await respond(send, problems.status(error), body, headers=CHALLENGE)

    def _is_open(self, scope: Scope) -> bool:
        # Not for POST: a platform may have its predictions at a path that is a probe or a page, too.
        return scope["path"] in self._open_paths and scope["method"] in READING
