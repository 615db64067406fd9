"""The routes of the Open Inference Protocol, version 2, and of what Triton, MLServer and KServe add to it.

One ASGI application for everything below ``/v2``: the framework would answer what it does not know, and what
is asked with another method, in its own words, where the protocol has ``{"error": "…"}``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson
from starlette.types import Receive, Scope, Send

from lading_runtime import __version__
from lading_runtime.errors import MalformedBody, NotReady, ScoringError, UnknownModel
from lading_runtime.protocol.open_inference.metadata import (
    Identity,
    declared_inputs,
    declared_outputs,
    model_configuration,
    model_metadata,
    server_metadata,
)
from lading_runtime.schema.signature import Signature
from lading_runtime.server.direct import DirectRoute
from lading_runtime.server.inference import InferenceDialect
from lading_runtime.server.invocations import Invocations
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.predictor import CallbackPredictor
from lading_runtime.server.probes import Drain
from lading_runtime.server.problems import OPEN_INFERENCE_PROBLEMS
from lading_runtime.server.responses import respond, respond_problem
from lading_runtime.server.settings import Settings
from lading_runtime.server.statistics import Statistics

ROOT = "v2"
PATH = "/v2{rest:path}"
INFER = "/v2/models/{name}/infer"

METHOD_NOT_ALLOWED = 405
READING = ("GET", "HEAD")
WRITING = ("POST",)

Reader = Callable[[], Any]
"""Returns the JSON of an answer."""


class Request(NamedTuple):
    """One request of ASGI."""

    scope: Scope
    receive: Receive
    send: Send


Handler = Callable[[Request], Awaitable[None]]


class Target(NamedTuple):
    """What a path names, and what answers there."""

    methods: Sequence[str]
    handle: Handler


def infer_path(identity: Identity) -> str:
    """Return where most requests go, as it is without percent-encoding."""
    return f"/v2/models/{identity.name}/infer"


class OpenInference:
    """Answers everything below ``/v2``."""

    def __init__(
        self,
        identity: Identity,
        signature: Signature | None,
        settings: Settings,
        predictor: CallbackPredictor,
        drain: Drain,
        metrics: Metrics,
    ) -> None:
        self._identity = identity
        self._predictor = predictor
        self._drain = drain
        inputs, outputs = declared_inputs(signature), declared_outputs(signature)
        self._metadata = model_metadata(identity, inputs, outputs)
        self._configuration = model_configuration(identity, inputs, outputs)
        self._statistics = Statistics(identity, metrics)
        whole = InferenceDialect(identity, signature)
        parts = InferenceDialect(identity, signature, is_streamed=True)
        self._infer = Invocations(signature, settings, predictor, whole)
        self._infer_stream = Invocations(signature, settings, predictor, parts)

    def direct_route(self) -> DirectRoute:
        """Return what answers inference requests."""
        return DirectRoute(INFER, self._infer, self._statistics.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            target = self._target(_segments(scope))
            if scope["method"] in target.methods:
                await target.handle(Request(scope, receive, send))
            else:
                await _refuse_method(send, target.methods)
        except ScoringError as error:
            await respond_problem(send, error, problems=OPEN_INFERENCE_PROBLEMS)

    def _target(self, segments: tuple[str, ...]) -> Target:
        """Return what the path names.

        Raises:
            UnknownModel: a model or version that is not here, or nothing.
        """
        if segments[:1] == ("models",) and len(segments) > 1 and segments != ("models", "stats"):
            return self._target_of_model(segments[1], segments[2:])
        if segments[:2] == ("repository", "models") and len(segments) == 4:  # noqa: PLR2004 - the name and the verb
            return self._target_of_repository(segments[2], segments[3])
        readers: dict[tuple[str, ...], Reader] = {
            (): lambda: server_metadata(__version__),
            ("health", "live"): lambda: {"live": True},
            ("health", "ready"): self._readiness,
            ("models",): lambda: {"models": [self._identity.name]},
            ("models", "stats"): self._statistics.read,
        }
        if segments == ("repository", "index"):
            return Target(WRITING, _saying(self._index))
        if segments not in readers:
            raise UnknownModel("there is nothing at this path")
        return Target(READING, _saying(readers[segments]))

    def _target_of_model(self, name: str, rest: tuple[str, ...]) -> Target:
        self._check_name(name)
        if rest[:1] == ("versions",) and len(rest) > 1:
            self._check_version(rest[1])
            rest = rest[2:]
        readers: dict[tuple[str, ...], Reader] = {
            (): lambda: self._metadata,
            ("ready",): self._model_readiness,
            ("config",): lambda: self._configuration,
            ("stats",): self._statistics.read,
        }
        writers = {
            ("infer",): self._infer,
            ("generate",): self._infer,
            ("infer_stream",): self._infer_stream,
            ("generate_stream",): self._infer_stream,
        }
        if rest in readers:
            return Target(READING, _saying(readers[rest]))
        if rest not in writers:
            raise UnknownModel("there is nothing at this path")
        return Target(WRITING, self._statistics.watching(writers[rest]))

    def _target_of_repository(self, name: str, verb: str) -> Target:
        self._check_name(name)
        if verb == "load":
            return Target(WRITING, _saying(lambda: {"name": name, "load": True}))
        if verb == "unload":
            return Target(WRITING, _saying(self._refuse_to_unload))
        raise UnknownModel("there is nothing at this path")

    def _check_name(self, name: str) -> None:
        if name != self._identity.name:
            raise UnknownModel(f"this server has no such model; it has {self._identity.name!r}")

    def _check_version(self, version: str) -> None:
        if version != self._identity.version:
            raise UnknownModel(f"this server has no such version; it has {self._identity.version!r}")

    def _check_ready(self) -> None:
        self._drain.check()
        self._predictor.check_ready()

    def _readiness(self) -> Any:
        self._check_ready()
        return {"ready": True, "live": True}

    def _model_readiness(self) -> Any:
        self._check_ready()
        return {"name": self._identity.name, "ready": True}

    def _refuse_to_unload(self) -> Any:
        raise MalformedBody("this server serves one model, from its start to its end")

    def _index(self) -> Any:
        try:
            self._check_ready()
        except NotReady as error:
            state, reason = "UNAVAILABLE", error.message
        else:
            state, reason = "READY", ""
        model = {"name": self._identity.name, "version": self._identity.version}
        return [{**model, "state": state, "reason": reason}]


def _segments(scope: Scope) -> tuple[str, ...]:
    """Return what stands between the slashes below ``/v2``; a name may have slashes of its own, as %2F.

    Raises:
        UnknownModel: the path only begins alike, as ``/v2beta`` does.
    """
    path = scope.get("raw_path") or scope["path"].encode()
    parts = path.partition(b"?")[0].strip(b"/").split(b"/")
    first, *rest = (unquote_to_bytes(part).decode("utf-8", "replace") for part in parts)
    if first != ROOT:
        raise UnknownModel("there is nothing at this path")
    return tuple(rest)


def _saying(read: Reader) -> Handler:
    async def handle(request: Request) -> None:
        await respond(request.send, 200, orjson.dumps(read()))

    return handle


async def _refuse_method(send: Send, methods: Sequence[str]) -> None:
    body = orjson.dumps({"error": f"this path takes {' and '.join(methods)}"})
    await respond(send, METHOD_NOT_ALLOWED, body, headers=((b"allow", ", ".join(methods).encode()),))
