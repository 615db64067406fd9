"""The HTTP application of one worker: which path is answered by what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lading_runtime.schema.signature import Signature
from lading_runtime.server.access_control import PROBES, controlled
from lading_runtime.server.agents import INFO, SCORING_PATHS, AgentInfo
from lading_runtime.server.batching import Batcher
from lading_runtime.server.card import Served
from lading_runtime.server.connection import ConnectionEvents
from lading_runtime.server.direct import Direct, DirectRoute
from lading_runtime.server.identity import identity_of
from lading_runtime.server.instruments import Instruments
from lading_runtime.server.invocations import Invocations
from lading_runtime.server.limits import BatchLimits, QueueLimits
from lading_runtime.server.model import ServedModel
from lading_runtime.server.observation import Observation, Observer
from lading_runtime.server.open_inference import PATH, OpenInference, infer_path
from lading_runtime.server.pages import PAGES, page_routes
from lading_runtime.server.platforms import platform_routes
from lading_runtime.server.pool import Pool
from lading_runtime.server.probes import Drain, Health, Ping, Version
from lading_runtime.server.proof import Unproven, prove
from lading_runtime.server.route_names import RouteNames
from lading_runtime.server.scrape import Scrape
from lading_runtime.server.settings import Settings

logger = logging.getLogger(__name__)

SCORING = "/invocations"


class Application(NamedTuple):
    """What answers the requests of a worker."""

    asgi: ASGIApp

    direct: Direct
    """For scoring requests that come whole; they need not go through ASGI, but may."""

    events: ConnectionEvents
    """Is told of connections."""


def create_app(
    model: ServedModel,
    signature: Signature | None,
    settings: Settings,
    pool: Pool,
    drain: Drain,
    instruments: Instruments | None = None,
) -> Application:
    """Return the application; its lifespan opens and closes *pool*."""
    instruments = instruments or Instruments()
    batcher = batcher_of(pool, settings)
    pool.events = batcher.events = instruments.metrics
    observer = Observer(instruments.metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pool.open()
        await pool.until_useful()
        deciding = asyncio.create_task(decide_on_batches(batcher, pool, model, signature, settings))
        yield
        deciding.cancel()
        pool.close()
        observer.flush()
        await instruments.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    invocations = Invocations(signature, settings, batcher)
    identity = identity_of(model, settings.hosting)
    open_inference = OpenInference(identity, signature, settings, batcher, drain, instruments.metrics)
    ping = Ping(pool, drain)
    paths = scoring_paths(model)
    scoring: dict[str, ASGIApp] = dict.fromkeys(paths, invocations)
    scoring[infer_path(identity)] = open_inference
    app.router.routes.extend(
        [
            *(Route(path, invocations, methods=["POST"]) for path in paths),
            *probe_routes(model, pool, ping),
            Route(PATH, open_inference),
            *platform_routes(signature, settings, batcher, ping, invocations),
            Route(
                "/metrics", Scrape(instruments.metrics, observer, model, identity), methods=["GET", "HEAD"]
            ),
            *page_routes(Served(model, signature, identity, settings), paths),
            *agent_routes(model, settings),
        ]
    )
    keys, origins = settings.exposure.api_keys(), settings.exposure.cors_origins
    answering = controlled(Shortcut(app, scoring), keys, origins, open_paths(settings))
    observed = Observation(answering, RouteNames(app.router.routes), observer, instruments.tracer)
    direct = {infer_path(identity): open_inference.direct_route()}
    direct.update((path, DirectRoute(path, invocations)) for path in paths)
    # Who wants more of a request wants what ASGI says of it.
    is_plain = instruments.tracer is None and not origins
    return Application(observed, Direct(direct if is_plain else {}, observer, keys), instruments.metrics)


def batcher_of(pool: Pool, settings: Settings) -> Batcher:
    """Return what requests line up in before *pool*."""
    limits = BatchLimits(settings.batch_max_rows, settings.batch_max_delay_s)
    queue = QueueLimits(settings.queue_max_rows, settings.queue_max_bytes)
    return Batcher(pool, limits, queue)


def probe_routes(model: ServedModel, pool: Pool, ping: ASGIApp) -> list[Route]:
    """Return the routes of MLflow's server that say how it is."""
    return [
        Route("/ping", ping, methods=["GET", "HEAD"]),
        Route("/health", Health(pool), methods=["GET", "HEAD"]),
        without_head(Route("/version", Version(model))),
    ]


def agent_routes(model: ServedModel, settings: Settings) -> list[Route]:
    """Return the route that says what an agent is; none for other models."""
    if model.agent is None:
        return []
    return [Route(INFO, AgentInfo(model, settings.agent_name), methods=["GET", "HEAD"])]


def without_head(route: Route) -> Route:
    """Return *route* for GET alone, as MLflow has it: FastAPI adds no HEAD to routes, Starlette does."""
    route.methods = {"GET"}
    return route


def open_paths(settings: Settings) -> frozenset[str]:
    """Return the paths that may be read without an API key."""
    named = [path for path in (settings.hosting.health_route,) if path is not None]
    return PROBES.union(named, PAGES if settings.has_page else ())


async def decide_on_batches(
    batcher: Batcher, pool: Pool, model: ServedModel, signature: Signature | None, settings: Settings
) -> None:
    """Have requests grouped if the environment says so, or if the model proves that it may be done."""
    max_rows = settings.batch_max_rows
    if settings.batching == "off":
        return
    try:
        proven = max_rows if settings.batching == "on" else await prove(pool, model, signature, max_rows)
    except Unproven as reason:
        logger.info("batching off", extra={"reason": str(reason)})
    else:
        batcher.turn_on(proven)
        logger.info("batching on", extra={"max_rows": proven})


def scoring_paths(model: ServedModel) -> frozenset[str]:
    """Return where *model* answers scoring requests."""
    further = SCORING_PATHS.get(model.agent or "")
    return frozenset([SCORING] if further is None else [SCORING, further])


class Shortcut:
    """Leads scoring requests past the framework, whose middleware has nothing to do for them.

    Its seven layers take a fifth of the worker's time on small requests. Everything else, also what
    looks almost like a scoring request, goes the usual way.
    """

    def __init__(self, app: ASGIApp, scoring: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._scoring = scoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the application's lifespan."""
        may_score = scope["type"] == "http" and scope["method"] == "POST"
        app = self._scoring.get(scope["path"], self._app) if may_score else self._app
        await app(scope, receive, send)
