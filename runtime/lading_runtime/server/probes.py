"""``/ping``, ``/health`` and ``/version``: is it ready, is it alive, what is it.

Ready means that a request would be answered now. Alive means that HTTP is: a server whose model is
being loaded, could not be loaded, or that drains, is alive and not ready. After a failed load
``/health`` says the reason, still with status 200, so that nobody restarts what is about to end by
itself, with that reason in its log and an exit code of its own.
"""

from __future__ import annotations

import platform
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from lading_runtime import __version__
from lading_runtime.errors import NotReady
from lading_runtime.server.model import ServedModel
from lading_runtime.server.predictor import Predictor
from lading_runtime.server.responses import respond, respond_problem

EMPTY = b"\n"
"""The body of MLflow's answers to probes."""


class Drain:
    """Whether the worker has been asked to end."""

    def __init__(self) -> None:
        self.has_begun = False

    def check(self) -> None:
        """Return if it has not.

        Raises:
            NotReady: it has.
        """
        if self.has_begun:
            raise NotReady("the server is shutting down")


class Ping:
    """Is it ready?"""

    def __init__(self, predictor: Predictor, drain: Drain) -> None:
        self._predictor = predictor
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one probe."""
        try:
            self._drain.check()
            self._predictor.check_ready()
        except NotReady as error:
            await respond_problem(send, error)
        else:
            await respond(send, 200, EMPTY)


class Health:
    """Is it alive?"""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one probe."""
        reason = self._predictor.failure
        body = EMPTY if reason is None else orjson.dumps({"live": True, "ready": False, "reason": reason})
        await respond(send, 200, body)


class Version:
    """What is it?"""

    def __init__(self, model: ServedModel) -> None:
        facts = {
            "lading_runtime": __version__,
            "mlflow": model.mlflow_version,
            "python": platform.python_version(),
            "model": model.facts(),
        }
        self._as_json = orjson.dumps(facts)
        self._as_text = (model.mlflow_version or "").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer with everything, or with the bare MLflow version to who asks for plain text."""
        if _wants_text(scope):
            await respond(send, 200, self._as_text, media_type=b"text/plain; charset=utf-8")
        else:
            await respond(send, 200, self._as_json)


def _wants_text(scope: Scope) -> bool:
    headers: dict[bytes, Any] = dict(scope["headers"])
    ranges = [part.partition(b";")[0].strip().lower() for part in headers.get(b"accept", b"").split(b",")]
    return b"text/plain" in ranges and b"application/json" not in ranges
