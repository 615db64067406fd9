"""Scoring requests: body → payload → prediction → answer, or the error that came in between.

What a body and an answer look like is the route's `Dialect`.

A plain ASGI application: on this path every microsecond is paid by every request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from typing import TypeVar

from starlette.types import Receive, Scope, Send

from lading_runtime.errors import DeadlineExceeded, ModelError, Overloaded, RequestError, ScoringError
from lading_runtime.payload import Node
from lading_runtime.schema.signature import Signature
from lading_runtime.server.body import check_size, read_body, unpack_body
from lading_runtime.server.collection import UNCOLLECTED
from lading_runtime.server.dialect import Dialect, Headers, MlflowDialect, Question
from lading_runtime.server.exchange import SCOPE_KEY, Exchange
from lading_runtime.server.heap import Heap
from lading_runtime.server.interruption import ClientDisconnected, Cutoff, Presence
from lading_runtime.server.predictor import CallbackPredictor, Prediction, Waiter
from lading_runtime.server.problems import problem_of
from lading_runtime.server.reply import Reply
from lading_runtime.server.responses import Response, problem_response
from lading_runtime.server.settings import Settings
from lading_runtime.wire import Buffer

T = TypeVar("T")

logger = logging.getLogger(__name__)

FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in (\S+)')

INLINE_BYTES = 1 << 16
"""Larger bodies and predictions are decoded and encoded in a thread.

To hand over to a thread and back costs about 0.1 ms; 64 KiB take several times that, and all other
requests, health checks among them, would wait for it. The interpreter's lock is still shared: the
loop gets it every 5 ms, or when orjson, which holds it while it parses, is done.
"""

CONTENT_ENCODING, TIMEOUT_HEADER = b"content-encoding", b"x-request-timeout"
SECONDS = re.compile(rb"\d{1,9}(\.\d{1,9})?")
BLANKS = b" \t"
"""Parsers leave those behind a header's value (RFC 9110 §5.5)."""

CODEC_THREADS = 2
"""One lock for all of them: more threads only mean more large bodies in memory at a time."""


MLFLOW = MlflowDialect()


class Invocations:
    """Answers scoring requests."""

    def __init__(
        self,
        signature: Signature | None,
        settings: Settings,
        predictor: CallbackPredictor,
        dialect: Dialect = MLFLOW,
    ) -> None:
        self._dialect = dialect
        self._signature = signature
        self._settings = settings
        self._predictor = predictor
        self._inline_bytes = min(INLINE_BYTES, settings.max_body_bytes)
        self._threads = ThreadPoolExecutor(CODEC_THREADS, thread_name_prefix="codec")
        self._heap = Heap(self._threads)

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # To ask for it takes a system call before Python 3.12, to find out whether the process has forked.
        return asyncio.get_running_loop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange: Exchange = scope[SCOPE_KEY]
        reply = self._reply(send)
        try:
            await self._score(scope, receive, exchange, reply)
        except ClientDisconnected:
            exchange.error = ClientDisconnected.__name__
        except Exception as error:  # noqa: BLE001 - handed on to the client, who waits for an answer
            await _refuse(reply, noted(error, exchange))
        finally:
            self._trim_after(exchange)

    @property
    def is_streamable(self) -> bool:
        """Whether a request may be answered in parts."""
        return self._predictor.is_streamable

    def is_quick(self, body: Buffer, headers: Headers) -> bool:
        """Tell whether *body* may be read at once; else a thread does that, in `respond`."""
        # Of a packed body nobody knows how much there is to decode.
        return len(body) <= self._inline_bytes and CONTENT_ENCODING not in headers

    def ask(self, body: bytes, headers: Headers, exchange: Exchange, waiter: Waiter) -> Question:
        """Return what a quick *body* asks; *waiter* will be told what the model answers, in one part.

        Raises:
            ScoringError: there will be no answer.
        """
        deadline, limit = self._deadlines(headers)
        # Before it is decoded: that would take longer than to refuse it.
        self._predictor.check_accepts()
        exchange.received_bytes = len(body)
        question = self._decode(body, headers, exchange, is_streamable=False)
        self._predictor.ask(question.payload, deadline, limit, waiter)
        return question

    async def respond(self, body: bytes, headers: Headers, exchange: Exchange) -> Response:
        """Return the answer to *body*.

        Raises:
            ScoringError: there is none.
        """
        deadline, limit = self._deadlines(headers)
        try:
            self._predictor.check_accepts()
            check_size(body, max_bytes=self._settings.max_body_bytes)
            exchange.received_bytes = len(body)
            question = await self._read(body, headers, deadline, exchange)
            prediction = await self._predictor.predict(question.payload, deadline, limit)
            return await self._encode(question.answer, prediction, exchange)
        finally:
            self._trim_after(exchange)

    async def respond_with(self, question: Question, prediction: Prediction, exchange: Exchange) -> Response:
        """Return the answer to *question*, of a prediction that may be large.

        Raises:
            ScoringError: it cannot be said.
        """
        try:
            return await self._encode(question.answer, prediction, exchange)
        finally:
            self._trim_after(exchange)

    def refusal(self, error: Exception, exchange: Exchange) -> Response:
        """Return the answer that says *error*, which is noted."""
        has_stack_traces = self._settings.has_stack_traces
        return problem_response(
            noted(error, exchange), self._dialect.problems, has_stack_traces=has_stack_traces
        )

    def _reply(self, send: Send) -> Reply:
        settings, dialect = self._settings, self._dialect
        return Reply(
            send,
            settings.request_timeout_s,
            has_stack_traces=settings.has_stack_traces,
            problems=dialect.problems,
            ending=dialect.ending,
        )

    def _trim_after(self, exchange: Exchange) -> None:
        if exchange.is_large:
            self._heap.trim_soon()

    def _deadlines(self, headers: Headers) -> tuple[float, float]:
        """Return until when the client waits, and when the model counts as one that hangs."""
        now, timeout_s = self._loop.time(), self._settings.request_timeout_s
        return now + asked_timeout_s(headers, timeout_s), now + timeout_s

    async def _score(self, scope: Scope, receive: Receive, exchange: Exchange, reply: Reply) -> None:
        headers = dict(scope["headers"])
        deadline, limit = self._deadlines(headers)
        # Refused before its body is read: a client that comes too early need not send it.
        self._predictor.check_accepts()
        max_bytes, patience_s = self._settings.max_body_bytes, self._settings.client_timeout_s
        body = await read_body(scope, receive, max_bytes=max_bytes, deadline=deadline, patience_s=patience_s)
        exchange.received_bytes = len(body)
        question = await self._read(body, headers, deadline, exchange)
        if question.payload.is_streamed:
            with Presence(receive):
                await self._stream(question, limit, exchange, reply)
        else:
            with Presence(receive):
                prediction = await self._predictor.predict(question.payload, deadline, limit)
            await reply.answer(await self._encode(question.answer, prediction, exchange))

    async def _read(self, body: bytes, headers: Headers, deadline: float, exchange: Exchange) -> Question:
        if self.is_quick(body, headers):
            return self._decode(body, headers, exchange, is_streamable=self.is_streamable)
        with Cutoff(deadline, DeadlineExceeded("the body could not be read within the request timeout")):
            decode = partial(self._decode, body, headers, exchange, is_streamable=self.is_streamable)
            return await self._in_thread(decode, exchange)

    async def _stream(self, question: Question, deadline: float, exchange: Exchange, reply: Reply) -> None:
        """Send each part of the answer when it is there; the model stops when this does."""
        parts = self._predictor.stream(question.payload, deadline, self._settings.request_timeout_s)
        try:
            async for part in parts:
                exchange.chunks = (exchange.chunks or 0) + 1
                await reply.event(await self._encode(question.part, part, exchange))
        finally:
            await parts.aclose()
        await reply.end()

    async def _encode(
        self, encode: Callable[[Node, Sequence[Buffer]], T], prediction: Prediction, exchange: Exchange
    ) -> T:
        work = partial(say, encode, prediction, exchange)
        return work() if is_small(prediction) else await self._in_thread(work, exchange)

    def _decode(self, body: bytes, headers: Headers, exchange: Exchange, *, is_streamable: bool) -> Question:
        began = time.perf_counter()
        if CONTENT_ENCODING in headers:
            body = unpack_body(body, headers[CONTENT_ENCODING], max_bytes=self._settings.max_body_bytes)
        question = self._dialect.read(body, headers, self._signature, is_streamable=is_streamable)
        exchange.decoded_at = time.perf_counter()
        exchange.decode_s = exchange.decoded_at - began
        return question

    async def _in_thread(self, work: Callable[[], T], exchange: Exchange) -> T:
        exchange.is_large = True
        return await self._loop.run_in_executor(self._threads, _do_uncollected, work)


def is_small(prediction: Prediction) -> bool:
    """Tell whether *prediction* may be written at once."""
    return sum(map(len, prediction.buffers)) <= INLINE_BYTES


def asked_timeout_s(headers: Headers, timeout_s: float) -> float:
    """Return how long a client waits, by its ``X-Request-Timeout`` in seconds; *timeout_s* at most.

    Raises:
        RequestError: it is no number above zero.
    """
    asked = headers.get(TIMEOUT_HEADER)
    if asked is None:
        return timeout_s
    asked = asked.strip(BLANKS)
    if not SECONDS.fullmatch(asked) or not float(asked):
        raise RequestError("X-Request-Timeout must be a number of seconds above zero")
    return min(float(asked), timeout_s)


def _do_uncollected(work: Callable[[], T]) -> T:
    with UNCOLLECTED:
        return work()


def say(encode: Callable[[Node, Sequence[Buffer]], T], prediction: Prediction, exchange: Exchange) -> T:
    """Return what *encode* makes of *prediction*; *exchange* knows how long everything took."""
    exchange.queue_s, exchange.model_s = prediction.queue_s, prediction.model_s
    began = time.perf_counter()
    encoded = encode(prediction.value, prediction.buffers)
    exchange.encoded_at = time.perf_counter()
    exchange.encode_s = exchange.encoded_at - began
    return encoded


async def _refuse(reply: Reply, error: ScoringError) -> None:
    # A client that is gone when its stream fails need not be told.
    with suppress(ClientDisconnected):
        await reply.refuse(error)


def noted(error: Exception, exchange: Exchange) -> ScoringError:
    """Log *error* on a line of its own; return what the client is told.

    Messages of requests' errors hold no values, others may.
    """
    exchange.error = type(error).__name__
    if not isinstance(error, ScoringError):
        logger.error("internal error", exc_info=error)
        return ScoringError("internal error")
    if isinstance(error, RequestError):
        logger.info("request refused", extra={"error": exchange.error, "reason": error.message})
    elif isinstance(error, Overloaded):
        logger.debug("request refused", extra={"error": exchange.error})
    elif isinstance(error, ModelError):
        logger.warning("model raised", extra={"at": _last_frame(error.stack_trace or "")})
    else:
        problem = problem_of(error)
        logger.warning("no prediction", extra={"error": exchange.error, "error_code": problem.error_code})
    return error


def _last_frame(stack_trace: str) -> str | None:
    """Return where an error was raised, without its text, which may repeat the payload."""
    frames = FRAME.findall(stack_trace)
    return "{}:{} in {}".format(*frames[-1]) if frames else None
