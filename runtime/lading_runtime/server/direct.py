"""Scoring requests that came whole, head and body at once: answered past the framework and past ASGI.

Most requests are such. To say one in ASGI's terms, a scope, messages and two callables, and its answer
again, and to have a task for it, takes more time than to read it, check it and write the answer. What is not
whole, or wants more than scoring (spans, other origins' pages, an answer in parts), takes the way through
ASGI; so does who brings no key where keys are asked for, and is refused there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Callable, NamedTuple
from urllib.parse import quote

from lading_runtime.server.api_keys import ApiKeys
from lading_runtime.server.correlation import CURRENT, Correlation
from lading_runtime.server.dialect import Question
from lading_runtime.server.exchange import Exchange
from lading_runtime.server.heads import Head
from lading_runtime.server.interruption import ClientDisconnected
from lading_runtime.server.invocations import Invocations, is_small, say
from lading_runtime.server.observation import Observer
from lading_runtime.server.predictor import Prediction
from lading_runtime.server.responses import Response
from lading_runtime.server.whole import Whole

METHOD = "POST"
FIELDS = b"content-type: %b\r\ncontent-length: %d\r\n%b%b"
"""Of an answer's head: those of all answers, those of its own, and those that tell whose it is."""


class DirectRoute(NamedTuple):
    """What answers at a path."""

    name: str
    """As it is counted."""

    scoring: Invocations
    watch: Callable[[Exchange, float], None] | None = None
    """Is told of each request that has been answered."""


class Direct:
    """Answers whole requests; if there are *keys*, those that bring one of them."""

    def __init__(
        self, routes: Mapping[str, DirectRoute], observer: Observer, keys: ApiKeys | None = None
    ) -> None:
        # Paths that look different on the wire are left to those who can read them.
        self._routes = {path.encode(): route for path, route in routes.items() if quote(path) == path}
        self._observer = observer
        self._keys = keys

    def takes(self, head: Head) -> bool:
        """Tell whether a POST with *head* can be answered here."""
        route = self._routes.get(head.url)
        if route is None or route.scoring.is_streamable:
            return False
        # Each time anew, also for heads that have come before: nothing remembers who was let in.
        return self._keys is None or self._keys.admits(head.headers)

    def answer(self, whole: Whole) -> None:
        """Answer a request, now or later."""
        Answering(whole, self._routes[whole.head.url], self._observer).begin()


class Answering:
    """A request that is being answered; waits for the prediction."""

    __slots__ = ("_exchange", "_observer", "_question", "_route", "_whole")

    def __init__(self, whole: Whole, route: DirectRoute, observer: Observer) -> None:
        head = whole.head
        is_named = head.is_identifying
        correlation = observer.correlate(head.headers) if is_named else observer.new_correlation()
        self._exchange = Exchange(METHOD, head.path, correlation)
        self._observer = observer
        self._question: Question | None = None
        self._route = route
        self._whole = whole

    def begin(self) -> None:
        """Read the request and ask the model; what takes its time is done in a task."""
        scoring, whole = self._route.scoring, self._whole
        if not scoring.is_quick(whole.body, whole.head.named):
            whole.run(self._respond_later(scoring.respond(whole.body, whole.head.named, self._exchange)))
            return
        try:
            self._question = scoring.ask(whole.body, whole.head.named, self._exchange, self)
        except Exception as error:  # noqa: BLE001 - the client is told
            self.failed(error)

    @property
    def is_wanted(self) -> bool:
        """Whether the client is still there."""
        return not self._whole.disconnected

    def answered(self, prediction: Prediction) -> None:
        """Answer with the prediction."""
        assert self._question is not None  # noqa: S101 - it was asked
        exchange = self._exchange
        if not is_small(prediction):
            scoring = self._route.scoring
            self._whole.run(self._respond_later(scoring.respond_with(self._question, prediction, exchange)))
            return
        try:
            response = say(self._question.answer, prediction, exchange)
        except Exception as error:  # noqa: BLE001 - the client is told
            self.failed(error)
        else:
            self._respond(response)

    def failed(self, error: Exception) -> None:
        """Answer with the error, if anybody is there; what is logged meanwhile is of this request."""
        if isinstance(error, ClientDisconnected):
            self._exchange.error = ClientDisconnected.__name__
            self._end()
            return
        before = CURRENT.set(self._exchange.correlation)
        try:
            self._respond(self._route.scoring.refusal(error, self._exchange))
        finally:
            CURRENT.reset(before)

    def _respond(self, response: Response) -> None:
        exchange = self._exchange
        if not self._whole.disconnected:
            exchange.status, exchange.sent_bytes = response.status, len(response.body)
        self._whole.respond(response.status, head_of(response, exchange.correlation), response.body)
        self._end()

    def _end(self) -> None:
        exchange, route = self._exchange, self._route
        self._observer.answered(exchange, route.name)
        if route.watch is not None:
            route.watch(exchange, exchange.total_s)

    async def _respond_later(self, work: Awaitable[Response]) -> None:
        CURRENT.set(self._exchange.correlation)
        try:
            response = await work
        except asyncio.CancelledError:
            self.failed(ClientDisconnected())
            raise
        except Exception as error:  # noqa: BLE001 - the client is told
            self.failed(error)
        else:
            self._respond(response)


def head_of(response: Response, correlation: Correlation) -> bytes:
    """Return the headers of *response* as lines."""
    others = b"".join([b"%b: %b\r\n" % header for header in response.headers]) if response.headers else b""
    return FIELDS % (response.media_type, len(response.body), others, correlation.lines())
