"""The model process of one worker: first come first served, one request at a time, each with a deadline.

Theory of operation: everything happens in callbacks of the event loop, so there are no locks. A job is
in exactly one of two places, `_waiting` or `_running`, until it is answered. Four things happen:

* a request comes (`predict`, `stream`): its job waits, and a timer is set for its deadline;
* the process says something (`received`): the running job takes it, and when that was its answer, or
  the last part of it, the next job is sent at once;
* the process ends (`lost`): the running job fails, a fresh process is asked for;
* a timer runs out (`_expire`): a waiting job fails and nobody else notices; the running job fails
  and its process, which cannot be interrupted in any other way, is killed and replaced.

A part of a streamed answer stops its job's timer, and the process is not read until that part has been
taken (`_go_on`): a slow client slows the model down, and neither fills the memory nor costs the model its
life. A stream whose client leaves (`_leave`) still runs: the process is told, its parts are thrown
away, and the timer now stands for the time that the model has to end it.

Timers and the process's messages have no context of a request: what they log is of no single one.

There is at most one process that counts, `_process`; what others still say is ignored. Errors are
raised where the answer is awaited. A job whose awaiter is gone is skipped, or its answer thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextvars import Context

from lading_runtime.errors import DeadlineExceeded, ModelProcessLost, NotReady
from lading_runtime.payload import Payload
from lading_runtime.server import answers
from lading_runtime.server.control import Busy, Control, Report
from lading_runtime.server.events import ENDED, LATE, LIMITED, UNENDING, Events, Unheard
from lading_runtime.server.framing import packed
from lading_runtime.server.jobs import Job, Single, Stream
from lading_runtime.server.predictor import Prediction, Waiter
from lading_runtime.server.process import ModelProcess, facts
from lading_runtime.server.vigil import Vigil
from lading_runtime.server.waiters import Awaited
from lading_runtime.wire import Message

logger = logging.getLogger(__name__)

LOADING = "the model is not loaded yet"
FIRST_RETRY_S = 0.05
LAST_RETRY_S = 5.0
NUMBERS = 4
"""Of requests, until they begin anew."""
LISTEN_ANYWAY_S = 10.0
"""After so long, a worker that is still loading its model says so to whoever asks."""


class Pool:
    """A `Predictor` on one model process, which is replaced whenever it is lost."""

    def __init__(self, control: Control, close_s: float, vigil: Vigil) -> None:
        self._control = control
        self._close_s = close_s
        """How long a stream may take to end when nobody wants it any more."""
        self._vigil = vigil
        self.events: Events = Unheard()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._process = ModelProcess(self)
        self._is_ready = False
        self._was_ready = False
        self._is_streamable = False
        self._failure: str | None = None
        self._retry_s = 0.0
        self._replacing: asyncio.Task[None] | None = None
        # They tell one request from the next; headers that recur need not be read again (`worker.incoming`).
        self._numbers = itertools.cycle(range(NUMBERS))
        self._is_closed = False

    def open(self) -> None:
        """Ask for the first process; it may take its time to load the model."""
        self._loop = asyncio.get_running_loop()
        self._has_been_ready = asyncio.Event()
        self._replace()

    def close(self) -> None:
        """Hang up. Nothing may be awaited any more."""
        self._is_closed = True
        if self._replacing is not None:
            self._replacing.cancel()
        self._process.close()

    @property
    def is_streamable(self) -> bool:
        """Whether the model can answer in parts; known from the moment when payloads are taken."""
        return self._is_streamable

    @property
    def failure(self) -> str | None:
        """Why the model could not be loaded, if it could not."""
        return self._failure

    def check_accepts(self) -> None:
        """Return if payloads are taken; while a lost process is being replaced, they wait.

        Raises:
            NotReady: the model is not loaded yet, or never will be.
        """
        if self._failure is not None or not self._was_ready:
            raise NotReady(self._failure or LOADING)

    def check_ready(self) -> None:
        """Return if a model process is there.

        Raises:
            NotReady: there is none; the message says why.
        """
        if not self._is_ready or not self._control.is_serving:
            raise NotReady(self._failure or LOADING)

    async def until_useful(self) -> None:
        """Wait, but not for ever, until this worker can answer, if meanwhile others do."""
        if self._control.is_serving:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.until_ready(), LISTEN_ANYWAY_S)

    async def until_ready(self) -> None:
        """Wait until a model process is there for the first time."""
        await self._has_been_ready.wait()

    async def predict(self, payload: Payload, deadline: float, limit: float | None = None) -> Prediction:
        """Return the model's answer to *payload*.

        Raises:
            ScoringError: there is none; see `submit`.
        """
        awaited = Awaited(self._loop.create_future())
        self.submit(payload, deadline if limit is None else limit, awaited)
        return await awaited.answer

    def submit(
        self, payload: Payload, deadline: float, waiter: Waiter, within_s: float | None = None
    ) -> None:
        """Tell *waiter* the model's answer to *payload*, or why there is none.

        That is `DeadlineExceeded` if *deadline* passed, in the queue or in the model, or if the model took
        longer than *within_s*, `ModelProcessLost`, or the `ScoringError` that it answered instead.

        Raises:
            NotReady: payloads are not taken, and *waiter* is told nothing.
        """
        self.check_accepts()
        self._add(Single(next(self._numbers), payload, waiter, within_s), deadline)

    async def stream(
        self, payload: Payload, deadline: float, between_s: float
    ) -> AsyncGenerator[Prediction, None]:
        """Yield the parts of the model's answer to *payload*.

        Raises:
            DeadlineExceeded: *deadline* passed before the first part, or *between_s* before another.
            ModelProcessLost: the model process ended.
            NotReady: payloads are not taken.
            ScoringError: what the model process answered instead of the next part.
        """
        self.check_accepts()
        job = Stream(next(self._numbers), payload)
        self._add(job, deadline)
        try:
            while (part := await job.next()) is not None:
                yield part
                if job.is_starved:
                    self._go_on(job, between_s)
        finally:
            self._leave(job)

    def poll(self) -> None:
        """Take what the model process has said until now."""
        if self._running is not None:
            self._process.poll()

    def received(self, process: ModelProcess, message: Message) -> None:
        """Take what the model process says."""
        if process is not self._process:
            return
        kind = message.header.get("kind")
        if kind == "ready":
            self._process_is_ready(process, message)
        elif kind == "failed":
            self._load_failed(message)
        elif self._running is not None and message.header.get("id") == self._running.number:
            self._settle(self._running, message)
        else:
            logger.error("unexpected message", extra={"kind": kind, "model_process": process.pid})
            process.kill()

    def lost(self, process: ModelProcess) -> None:
        """Fail what the lost process was predicting, and replace it."""
        if process is not self._process or self._is_closed:
            return
        if self._running is not None:
            self._running.end(ModelProcessLost("the model process ended while it predicted"))
        if not self._is_ready:
            self._retry_s = min(LAST_RETRY_S, max(FIRST_RETRY_S, self._retry_s * 2))
        self._replace(ENDED)

    def _process_is_ready(self, process: ModelProcess, message: Message) -> None:
        process.pid = message.header["pid"]
        self._is_ready = self._was_ready = True
        self._is_streamable = bool(facts(message).get("is_streamable"))
        self._failure, self._retry_s = None, 0.0
        self._has_been_ready.set()
        self.events.model_process_ready(process.pid)
        self._control.report(Report(is_ready=True, load_s=facts(message).get("load_s")))
        logger.debug("model process ready", extra={"model_process": process.pid})
        self._send_next()

    def _load_failed(self, message: Message) -> None:
        self._failure = f"the model could not be loaded: {message.header['error']['message']}"
        self._control.report(Report(is_ready=False, reason=self._failure))
        while self._waiting:
            self._waiting.popleft().end(NotReady(self._failure))

    def _add(self, job: Job, deadline: float) -> None:
        job.deadline = deadline
        self._waiting.append(job)
        self._send_next()
        if job is not self._running:
            job.timer = self._loop.call_at(deadline, self._expire, job, context=Context())

    def _settle(self, job: Job, message: Message) -> None:
        """Hand *message* to whoever waits; if it was the last of *job*, they may already send the next."""
        if not answers.is_last(message.header):
            job.take(message)
            if job.is_wanted:
                job.stop_timer()
                self._process.pause()
            return
        self._running = None
        self._vigil.await_request()
        if message.header.get("is_last"):
            self._replace(LIMITED)
        elif self._process.is_paused:
            self._process.resume()
        self._send_next()
        job.take(message)

    def _go_on(self, job: Stream, within_s: float) -> None:
        """Read the next part of a streamed answer, if there may be one."""
        if job is self._running:
            job.timer = self._loop.call_later(within_s, self._expire, job, context=Context())
            self._process.resume()

    def _leave(self, job: Stream) -> None:
        """See to it that a stream ends, which nobody wants any more or which is over."""
        job.leave()
        if job is self._running:
            job.stop_timer()
            job.timer = self._loop.call_later(self._close_s, self._expire, job, context=Context())
            self._process.resume()
            self._process.send(packed(answers.cancellation(job.number)))

    def _send_next(self) -> None:
        """Send the job that waits longest, if the process has nothing to do."""
        while self._is_ready and self._running is None and self._waiting:
            job = self._waiting.popleft()
            if not job.is_wanted:
                job.end()
                continue
            self._running, job.sent_at = job, time.perf_counter()
            job.stop_timer()
            until = job.deadline if job.within_s is None else self._loop.time() + job.within_s
            job.timer = self._loop.call_at(until, self._expire, job, context=Context())
            self._process.send(job.pieces)
            self._vigil.await_answer()

    def _expire(self, job: Job) -> None:
        """Fail *job*, whose time has run out; kill the process if it is predicting it."""
        job.end(DeadlineExceeded("no answer within the request timeout"))
        if job is not self._running:
            self._waiting.remove(job)
            return
        self._process.kill()
        is_left = isinstance(job, Stream) and not job.is_wanted
        self._replace(UNENDING if is_left else LATE)

    def _replace(self, reason: str | None = None) -> None:
        """Ask for a fresh process; jobs that wait stay where they are."""
        if reason is not None and self._was_ready:
            self.events.model_process_replaced(reason)
            logger.warning(
                "model process replaced",
                extra={"model_process": self._process.pid, "reason": reason},
            )
        self._process, self._running, self._is_ready = ModelProcess(self), None, False
        self._replacing = Context().run(self._loop.create_task, self._connect(self._process))

    async def _connect(self, process: ModelProcess) -> None:
        """Connect; what the model host cannot do now, or this process, is tried again later."""
        await asyncio.sleep(self._retry_s)
        try:
            await process.connect(self._control)
        except (Busy, OSError) as error:
            logger.warning("no model process yet", extra={"reason": repr(error)})
            self._retry_s = LAST_RETRY_S
            self._replace()
