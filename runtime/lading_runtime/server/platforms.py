"""The paths that hosting platforms call, beside MLflow's, which SageMaker calls.

* Vertex AI says in ``AIP_HEALTH_ROUTE`` and ``AIP_PREDICT_ROUTE`` which paths it calls, and in
  ``AIP_HTTP_PORT`` where. What MLflow calls ``params`` it calls ``parameters``.
* Azure Machine Learning calls the paths that a deployment declares. Those of its own server
  (``azureml-inference-server-http``) are ``/`` and ``/score``, which are there where its
  ``AZUREML_MODEL_DIR`` is.
"""

from __future__ import annotations

from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lading_runtime.protocol.json_text import read_json
from lading_runtime.schema.cells import dump
from lading_runtime.schema.signature import Signature
from lading_runtime.server.dialect import Headers, Invocation, MlflowDialect
from lading_runtime.server.invocations import Invocations
from lading_runtime.server.predictor import CallbackPredictor
from lading_runtime.server.responses import respond
from lading_runtime.server.settings import Settings

THEIRS = "parameters"
OURS = "params"

HEALTHY = b"Healthy"
"""The words of Azure's own server."""


class VertexDialect(MlflowDialect):
    """MLflow's scoring protocol with ``{"instances": …, "parameters": …}``."""

    def read(
        self, body: bytes, headers: Headers, signature: Signature | None, *, is_streamable: bool
    ) -> Invocation:
        """Return what *body* asks."""
        if b'"parameters"' in body:
            body = with_params(body)
        return super().read(body, headers, signature, is_streamable=is_streamable)


def with_params(body: bytes) -> bytes:
    """Return *body* with its parameters called as MLflow calls them; as it is where it has none.

    Raises:
        MalformedBody: it is no JSON.
    """
    document: Any = read_json(body, is_exact=True)
    if not isinstance(document, dict) or "instances" not in document or THEIRS not in document:
        return body
    parameters = document.pop(THEIRS)
    return dump({OURS: parameters, **document})


def platform_routes(
    signature: Signature | None,
    settings: Settings,
    predictor: CallbackPredictor,
    ping: ASGIApp,
    scoring: ASGIApp,
) -> list[Route]:
    """Return the routes that the environment asks for."""
    hosting = settings.hosting
    routes = []
    if hosting.health_route:
        routes.append(Route(hosting.health_route, ping, methods=["GET", "HEAD"]))
    if hosting.predict_route:
        vertex = Invocations(signature, settings, predictor, VertexDialect())
        routes.append(Route(hosting.predict_route, vertex, methods=["POST"]))
    if hosting.is_azure:
        routes.append(Route("/score", scoring, methods=["POST"]))
        routes.append(Route("/", Healthy(), methods=["GET", "HEAD"]))
    return routes


class Healthy:
    """Azure's liveness probe."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one probe."""
        await respond(send, 200, HEALTHY, media_type=b"text/plain; charset=utf-8")
