"""Scoring requests that came whole, head and body at once: answered past the framework and past ASGI.

Most requests are such. To say one in ASGI's terms, a scope, messages and two callables, and its answer again,
takes more time than to read it, check it and write the answer. What is not whole, or wants more than
scoring (spans, other origins' pages, an answer in parts), takes the way through ASGI.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Callable, NamedTuple
from urllib.parse import quote

from starlette.types import Scope

from lading_runtime.server.access import SCOPE_KEY, Asked, Exchange
from lading_runtime.server.body import WHOLE_BODY
from lading_runtime.server.correlation import CURRENT, Correlation
from lading_runtime.server.invocations import Invocations
from lading_runtime.server.observation import Observer
from lading_runtime.server.responses import Response
from lading_runtime.server.whole import Whole

METHOD = "POST"


class DirectRoute(NamedTuple):
    """What answers at a path."""

    name: str
    """As it is counted."""

    scoring: Invocations
    watch: Callable[[Exchange, float], None] | None = None
    """Is told of each request that has been answered."""


class Direct:
    """Answers whole requests."""

    def __init__(self, routes: Mapping[str, DirectRoute], observer: Observer) -> None:
        # Paths that look different on the wire are left to those who can read them.
        self._routes = {path.encode(): route for path, route in routes.items() if quote(path) == path}
        self._observer = observer

    def takes(self, url: bytes) -> bool:
        """Tell whether a POST to *url* can be answered here."""
        route = self._routes.get(url)
        return route is not None and not route.scoring.is_streamable

    async def answer(self, whole: Whole) -> None:
        """Answer a request."""
        route = self._routes[whole.url]
        exchange, started = Exchange(), time.perf_counter()
        correlation = self._observer.correlate(whole.headers)
        CURRENT.set(correlation)

        async def respond(response: Response) -> None:
            exchange.status, exchange.sent_bytes = response.status, len(response.body)
            await whole.respond(response.status, head_of(response, correlation), response.body)

        scope: Scope = {"headers": whole.headers, WHOLE_BODY: whole.body, SCOPE_KEY: exchange}
        try:
            await route.scoring.answer_whole(scope, respond)
        finally:
            total_s = time.perf_counter() - started
            if route.watch is not None:
                route.watch(exchange, total_s)
            asked = Asked(METHOD, whole.url.decode("ascii"), correlation)
            self._observer.answered(asked, route.name, exchange, total_s)


def head_of(response: Response, correlation: Correlation) -> bytes:
    """Return the headers of *response* as lines."""
    lines = b"content-type: %b\r\ncontent-length: %d\r\n" % (response.media_type, len(response.body))
    for header in (*response.headers, *correlation.headers()):
        lines += b"%b: %b\r\n" % header
    return lines
