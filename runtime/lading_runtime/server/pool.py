"""The model process of one worker: first come first served, one request at a time, each with a deadline.

Theory of operation: everything happens in callbacks of the event loop, so there are no locks. A job is
in exactly one of two places, `_waiting` or `_running`, until its future is done. Four things happen:

* a request comes (`predict`): its job waits, and a timer is set for its deadline;
* the process says something (`received`): the running job is settled, the next one is sent at once;
* the process ends (`lost`): the running job fails, a fresh process is asked for;
* a deadline passes (`_expire`): a waiting job fails and nobody else notices; the running job fails
  and its process, which cannot be interrupted in any other way, is killed and replaced.

There is at most one process that counts, `_process`; what others still say is ignored. Errors are
raised where the answer is awaited. A job whose awaiter is gone is skipped, or its answer thrown away.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque

from lading_runtime.errors import DeadlineExceeded, ModelProcessLost, NotReady, ScoringError
from lading_runtime.payload import Payload
from lading_runtime.server import answers
from lading_runtime.server.control import Busy, Control, Report
from lading_runtime.server.predictor import Prediction
from lading_runtime.server.process import ModelProcess, facts
from lading_runtime.wire import Message, pack

logger = logging.getLogger(__name__)

LOADING = "the model is not loaded yet"
FIRST_RETRY_S = 0.05
LAST_RETRY_S = 5.0


class Job:
    """One payload and whoever waits for its answer."""

    def __init__(self, number: int, payload: Payload, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        # Packed before it queues, so that what cannot be packed fails here and not in a callback.
        self.pieces = pack(answers.request(number, payload))
        self.answer: asyncio.Future[Prediction] = loop.create_future()
        self.came_at = time.perf_counter()
        self.sent_at = self.came_at
        self.timer: asyncio.TimerHandle | None = None
        """Runs until the model process has nothing to do with the job any more, also if nobody waits
        for the answer: otherwise a hanging prediction for a client that left would hang for ever."""

    def end(self, error: ScoringError | None = None) -> None:
        """Stop the timer; hand *error* to whoever still waits."""
        if self.timer is not None:
            self.timer.cancel()
        if error is not None and not self.answer.done():
            self.answer.set_exception(error)


class Pool:
    """A `Predictor` on one model process, which is replaced whenever it is lost."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._process = ModelProcess(self)
        self._is_ready = False
        self._was_ready = False
        self._failure: str | None = None
        self._retry_s = 0.0
        self._replacing: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._is_closed = False

    def open(self) -> None:
        """Ask for the first process; it may take its time to load the model."""
        self._loop = asyncio.get_running_loop()
        self._replace()

    def close(self) -> None:
        """Hang up. Nothing may be awaited any more."""
        self._is_closed = True
        if self._replacing is not None:
            self._replacing.cancel()
        self._process.close()

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
        if not self._is_ready:
            raise NotReady(self._failure or LOADING)

    async def predict(self, payload: Payload, deadline: float) -> Prediction:
        """Return the model's answer to *payload*.

        Raises:
            DeadlineExceeded: *deadline* passed, in the queue or in the model.
            ModelProcessLost: the model process ended.
            NotReady: payloads are not taken.
            ScoringError: what the model process answered instead.
        """
        self.check_accepts()
        job = Job(next(self._numbers), payload, self._loop)
        job.timer = self._loop.call_at(deadline, self._expire, job)
        self._waiting.append(job)
        self._send_next()
        return await job.answer

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
        self._replace("it ended")

    def _process_is_ready(self, process: ModelProcess, message: Message) -> None:
        process.pid = message.header["pid"]
        self._is_ready = self._was_ready = True
        self._failure, self._retry_s = None, 0.0
        self._control.report(Report(is_ready=True, load_s=facts(message).get("load_s")))
        logger.debug("model process ready", extra={"model_process": process.pid})
        self._send_next()

    def _load_failed(self, message: Message) -> None:
        self._failure = f"the model could not be loaded: {message.header['error']['message']}"
        self._control.report(Report(is_ready=False, reason=self._failure))
        while self._waiting:
            self._waiting.popleft().end(NotReady(self._failure))

    def _settle(self, job: Job, message: Message) -> None:
        self._running = None
        try:
            value = answers.value_of(message.header)
        except ScoringError as error:
            job.end(error)
        else:
            job.end()
            queue_s, model_s = job.sent_at - job.came_at, time.perf_counter() - job.sent_at
            if not job.answer.done():
                job.answer.set_result(Prediction(value, message.buffers, queue_s, model_s))
        self._send_next()

    def _send_next(self) -> None:
        """Send the job that waits longest, if the process has nothing to do."""
        while self._is_ready and self._running is None and self._waiting:
            job = self._waiting.popleft()
            if job.answer.done():
                job.end()
                continue
            self._running, job.sent_at = job, time.perf_counter()
            self._process.send(job.pieces)

    def _expire(self, job: Job) -> None:
        """Fail *job*, whose deadline has passed; kill the process if it is predicting it."""
        job.end(DeadlineExceeded("no answer within the request timeout"))
        if job is not self._running:
            self._waiting.remove(job)
            return
        self._process.kill()
        self._replace("a prediction exceeded its deadline")

    def _replace(self, reason: str | None = None) -> None:
        """Ask for a fresh process; jobs that wait stay where they are."""
        if reason is not None and self._was_ready:
            logger.warning(
                "model process replaced",
                extra={"model_process": self._process.pid, "reason": reason},
            )
        self._process, self._running, self._is_ready = ModelProcess(self), None, False
        self._replacing = self._loop.create_task(self._connect(self._process))

    async def _connect(self, process: ModelProcess) -> None:
        """Connect; what the model host cannot do now, or this process, is tried again later."""
        await asyncio.sleep(self._retry_s)
        try:
            await process.connect(self._control)
        except (Busy, OSError) as error:
            logger.warning("no model process yet", extra={"reason": repr(error)})
            self._retry_s = LAST_RETRY_S
            self._replace()
