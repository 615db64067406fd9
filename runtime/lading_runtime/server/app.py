"""The HTTP application of one worker: which path is answered by what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from lading_runtime.schema.signature import Signature
from lading_runtime.server.access import AccessLog
from lading_runtime.server.invocations import Invocations
from lading_runtime.server.model import ServedModel
from lading_runtime.server.pool import Pool
from lading_runtime.server.probes import Drain, Health, Ping, Version
from lading_runtime.server.settings import Settings


def create_app(
    model: ServedModel, signature: Signature | None, settings: Settings, pool: Pool, drain: Drain
) -> ASGIApp:
    """Return the application; its lifespan opens and closes *pool*."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pool.open()
        yield
        pool.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    invocations = Invocations(signature, settings, pool)
    app.router.routes.extend(
        [
            Route("/invocations", invocations, methods=["POST"]),
            Route("/ping", Ping(pool, drain), methods=["GET", "HEAD"]),
            Route("/health", Health(pool), methods=["GET", "HEAD"]),
            Route("/version", Version(model), methods=["GET", "HEAD"]),
        ]
    )
    return AccessLog(app)
