"""Scoring requests: body → payload → prediction → answer, or the error that came in between.

What a body and an answer look like is the route's `Dialect`.

A plain ASGI application: on this path every microsecond is paid by every request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from starlette.types import Message, Receive, Scope, Send

from lading_runtime.errors import DeadlineExceeded, ModelError, Overloaded, RequestError, ScoringError
from lading_runtime.payload import Node
from lading_runtime.schema.signature import Signature
from lading_runtime.server.access import SCOPE_KEY, Exchange
from lading_runtime.server.body import read_body, unpack_body
from lading_runtime.server.collection import UNCOLLECTED
from lading_runtime.server.dialect import Dialect, Headers, MlflowDialect, Question
from lading_runtime.server.heap import Heap
from lading_runtime.server.interruption import ClientDisconnected, Cutoff, Presence
from lading_runtime.server.predictor import Prediction, Predictor
from lading_runtime.server.problems import problem_of
from lading_runtime.server.reply import Reply, Respond
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

TIMEOUT_HEADER = b"x-request-timeout"
SECONDS = re.compile(rb"\d{1,9}(\.\d{1,9})?")

CODEC_THREADS = 2
"""One lock for all of them: more threads only mean more large bodies in memory at a time."""


MLFLOW = MlflowDialect()


class Invocations:
    """Answers scoring requests."""

    def __init__(
        self,
        signature: Signature | None,
        settings: Settings,
        predictor: Predictor,
        dialect: Dialect = MLFLOW,
    ) -> None:
        self._dialect = dialect
        self._signature = signature
        self._settings = settings
        self._predictor = predictor
        self._threads = ThreadPoolExecutor(CODEC_THREADS, thread_name_prefix="codec")
        self._heap = Heap(self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(scope, receive, self._reply(send))

    async def answer_whole(self, scope: Scope, respond: Respond) -> None:
        """Answer one request, whose body is there, at once."""
        await self._answer(scope, receive_nothing, self._reply(send_nothing, respond))

    @property
    def is_streamable(self) -> bool:
        """Whether a request may be answered in parts."""
        return self._predictor.is_streamable

    def _reply(self, send: Send, respond: Respond | None = None) -> Reply:
        settings, dialect = self._settings, self._dialect
        return Reply(
            send,
            settings.request_timeout_s,
            has_stack_traces=settings.has_stack_traces,
            problems=dialect.problems,
            ending=dialect.ending,
            respond=respond,
        )

    async def _answer(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        exchange: Exchange = scope[SCOPE_KEY]
        try:
            await self._score(scope, receive, exchange, reply)
        except ClientDisconnected:
            exchange.error = ClientDisconnected.__name__
        except ScoringError as error:
            _note(exchange, error)
            await _refuse(reply, error)
        except Exception as bug:  # handed on to the client, who waits for an answer
            exchange.error = type(bug).__name__
            logger.exception("internal error")
            await _refuse(reply, ScoringError("internal error"))
        finally:
            if exchange.is_large:
                self._heap.trim_soon()

    async def _score(self, scope: Scope, receive: Receive, exchange: Exchange, reply: Reply) -> None:
        headers = scope["headers"]
        now, timeout_s = asyncio.get_running_loop().time(), self._settings.request_timeout_s
        limit, deadline = now + timeout_s, now + asked_timeout_s(headers, timeout_s)
        # Refused before its body is read: a client that comes too early need not send it.
        self._predictor.check_accepts()
        max_bytes, patience_s = self._settings.max_body_bytes, self._settings.client_timeout_s
        body = await read_body(scope, receive, max_bytes=max_bytes, deadline=deadline, patience_s=patience_s)
        exchange.received_bytes = len(body)
        began = time.perf_counter()
        question = await self._read(body, dict(headers), deadline, exchange)
        exchange.decoded_at = time.perf_counter()
        exchange.decode_s = exchange.decoded_at - began
        if question.payload.is_streamed:
            with Presence(receive):
                await self._stream(question, limit, exchange, reply)
        else:
            prediction = await self._predictor.predict(question.payload, deadline, limit)
            await reply.answer(*await self._encode(question.answer, prediction, exchange))

    async def _read(self, body: bytes, headers: Headers, deadline: float, exchange: Exchange) -> Question:
        # Of a packed body nobody knows how much there is to decode.
        if len(body) <= INLINE_BYTES and b"content-encoding" not in headers:
            return self._decode(body, headers)
        with Cutoff(deadline, DeadlineExceeded("the body could not be read within the request timeout")):
            return await self._in_thread(partial(self._decode, body, headers), exchange)

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
        exchange.queue_s, exchange.model_s = prediction.queue_s, prediction.model_s
        value, buffers = prediction.value, prediction.buffers
        began = time.perf_counter()
        if sum(map(len, buffers)) <= INLINE_BYTES:
            encoded = encode(value, buffers)
        else:
            encoded = await self._in_thread(partial(encode, value, buffers), exchange)
        exchange.encoded_at = time.perf_counter()
        exchange.encode_s = exchange.encoded_at - began
        return encoded

    def _decode(self, body: bytes, headers: Headers) -> Question:
        encoding = headers.get(b"content-encoding", b"")
        plain = unpack_body(body, encoding, max_bytes=self._settings.max_body_bytes)
        is_streamable = self._predictor.is_streamable
        return self._dialect.read(plain, headers, self._signature, is_streamable=is_streamable)

    async def _in_thread(self, work: Callable[[], T], exchange: Exchange) -> T:
        exchange.is_large = True
        return await asyncio.get_running_loop().run_in_executor(self._threads, _do_uncollected, work)


async def receive_nothing() -> Message:
    """Stand for ASGI's `receive` where all is there.

    Raises:
        ClientDisconnected: always.
    """
    raise ClientDisconnected


async def send_nothing(message: Message) -> None:
    """Stand for ASGI's `send` where nothing is answered in parts."""
    raise AssertionError(message["type"])


def asked_timeout_s(headers: Iterable[tuple[bytes, bytes]], timeout_s: float) -> float:
    """Return how long a client waits, by its ``X-Request-Timeout`` in seconds; *timeout_s* at most.

    Raises:
        RequestError: it is no number above zero.
    """
    for name, value in headers:
        if name == TIMEOUT_HEADER:
            if not SECONDS.fullmatch(value) or not float(value):
                raise RequestError("X-Request-Timeout must be a number of seconds above zero")
            return min(float(value), timeout_s)
    return timeout_s


def _do_uncollected(work: Callable[[], T]) -> T:
    with UNCOLLECTED:
        return work()


async def _refuse(reply: Reply, error: ScoringError) -> None:
    # A client that is gone when its stream fails need not be told.
    with suppress(ClientDisconnected):
        await reply.refuse(error)


def _note(exchange: Exchange, error: ScoringError) -> None:
    """Log *error* on a line of its own; messages of requests' errors hold no values, others may."""
    exchange.error = type(error).__name__
    if isinstance(error, RequestError):
        logger.info("request refused", extra={"error": exchange.error, "reason": error.message})
    elif isinstance(error, Overloaded):
        logger.debug("request refused", extra={"error": exchange.error})
    elif isinstance(error, ModelError):
        logger.warning("model raised", extra={"at": _last_frame(error.stack_trace or "")})
    else:
        problem = problem_of(error)
        logger.warning("no prediction", extra={"error": exchange.error, "error_code": problem.error_code})


def _last_frame(stack_trace: str) -> str | None:
    """Return where an error was raised, without its text, which may repeat the payload."""
    frames = FRAME.findall(stack_trace)
    return "{}:{} in {}".format(*frames[-1]) if frames else None
