"""Groups requests for the model process: what waits when it becomes free is sent as one payload.

Theory of operation: as in `lading_runtime.server.pool`, everything happens in callbacks of the event loop. An
`Item` is one request; it is in `_waiting`, in a batch of `_retries`, or in the batch that is `_running`,
until it is answered. The pool is given one batch at a time, the next one in the same callback in which
the answer to the last one came: the model never waits for a request that is there (unless it is faster than
the server, see below). While the model is idle, a request waits for the end of the event loop's turn, so that
what came in it goes together, and for nothing else (unless `BatchLimits.max_delay_s` says so).

* A batch holds requests whose payloads can be joined (`joining.Part.key`), in the order in which they came.
* When a batch fails, in whatever way, its halves are sent alone, before all that waits: the request that
  is to blame ends in a batch of its own and gets the error, the others get their answers. A batch that
  takes half of the time that its first request has left counts as one that hangs; so does one
  of these halves while others wait behind it.
* Requests expire one by one. One that expires in the queue, or that had to wait until the model would be
  too slow for it, never reaches the model; one that expires in a batch is answered, and the others do not
  notice.
* A request that is larger than a batch is cut into several.
* Where the model is faster than the server, half of those who are open go into a batch (`equal_turn`), at
  the end of a turn: then what a batch costs the server counts, and not that the model is idle meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextvars import Context
from dataclasses import replace
from functools import cached_property

from lading_runtime.errors import NotReady, Overloaded, ScoringError, Unsplittable
from lading_runtime.payload import Payload
from lading_runtime.server.admission import Admission
from lading_runtime.server.deadlines import Deadlines
from lading_runtime.server.events import Events, Unheard
from lading_runtime.server.joining import Part, part_of, split, whole_of
from lading_runtime.server.limits import UNLIMITED, BatchLimits, QueueLimits
from lading_runtime.server.predictor import Prediction, Waiter
from lading_runtime.server.queued import (
    Batch,
    Item,
    Times,
    equal_turn,
    fail_all,
    is_outpaced,
    size_of,
    still_wanted,
    take,
)
from lading_runtime.server.running import Running, Source
from lading_runtime.server.waiters import Awaited, Followers

logger = logging.getLogger(__name__)

HANGING_SHARE = 0.5
"""Of the time that the first of several requests has left: what takes longer is taken apart."""

UNUSUAL = 4
"""As many times as long as usual, and past its limit: then the model hangs. What came late to it may not."""


class Batcher:
    """A `CallbackPredictor` that groups what it gives to a pool, from `turn_on` on."""

    def __init__(self, pool: Source, limits: BatchLimits, queue: QueueLimits = UNLIMITED) -> None:
        self._pool = pool
        self._limits = limits
        self._most_rows = limits.max_rows
        """Of one request; those of a batch may be fewer, see `turn_on`."""
        self._admission = Admission(queue)
        self._is_on = False
        self._waiting: deque[Item] = deque()
        self._deadlines = Deadlines()
        self._followers = Followers()
        self._retries: deque[Batch] = deque()
        self._running: Running | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._due: tuple[str, int] | None = None
        """What the next batch is sent with, at the end of this turn of the event loop; None: it is not."""
        self.events: Events = Unheard()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # As in `invocations`: to ask for it takes a system call.
        return asyncio.get_running_loop()

    def turn_on(self, max_rows: int) -> None:
        """Join and cut requests from now on; until then they take the same way one by one.

        At most *max_rows* rows are joined. A request that has more of them is alone.
        """
        self._is_on, self._limits = True, replace(self._limits, max_rows=max_rows)

    @property
    def is_streamable(self) -> bool:
        """Whether the model can answer in parts."""
        return self._pool.is_streamable

    @property
    def failure(self) -> str | None:
        """Why the model could not be loaded, if it could not."""
        return self._pool.failure

    def check_accepts(self) -> None:
        """Return if payloads are taken, though they may have to wait.

        Raises:
            NotReady: they are not; the message says why.
            Overloaded: too many wait already.
        """
        self._pool.check_accepts()
        try:
            self._admission.check_space(1, 0, self._batch_rows)
        except Overloaded:
            self._catch_up()
            raise

    def check_ready(self) -> None:
        """Return if a payload would be answered now.

        Raises:
            NotReady: it would not; the message says why.
        """
        self._pool.check_ready()

    def stream(self, payload: Payload, deadline: float, between_s: float) -> AsyncGenerator[Prediction, None]:
        """Give the parts of the answer to *payload*; never grouped."""
        return self._pool.stream(payload, deadline, between_s)

    async def predict(self, payload: Payload, deadline: float, limit: float | None = None) -> Prediction:
        """Return the model's answer to *payload*.

        Raises:
            Overloaded: it would come too late, or too many wait already.
            ScoringError: there is none.
        """
        times = Times(deadline, deadline if limit is None else limit)
        pieces, part = self._admit(payload, times)
        if pieces is not None:
            return await self._predict_pieces(payload, pieces, times)
        return await self._answer_to(payload, part, times)

    def ask(self, payload: Payload, deadline: float, limit: float, waiter: Waiter) -> None:
        """Do what `predict` does for *waiter*.

        Raises:
            NotReady: the model is not loaded, or never will be.
            Overloaded: it would come too late, or too many wait already.
        """
        times = Times(deadline, limit)
        pieces, part = self._admit(payload, times)
        if pieces is None:
            self._line_up(payload, part, times, waiter)
        else:
            self._followers.follow(self._predict_pieces(payload, pieces, times), waiter)

    def _admit(self, payload: Payload, times: Times) -> tuple[list[Payload] | None, Part | None]:
        """Return the pieces that *payload* must be cut into, or None, and how it can be joined."""
        self._pool.check_accepts()
        part = part_of(payload) if self._is_on else None
        rows = 1 if part is None else part.rows
        within_s = times.deadline - self._loop.time()
        try:
            self._admission.check(rows, size_of(payload), within_s, self._batch_rows)
        except Overloaded:
            self._catch_up()
            raise
        # A client's own rows may go together, however few of several clients' the model was tried with.
        is_large = part is not None and rows > self._most_rows
        return split(payload, self._most_rows) if is_large else None, part

    async def _predict_pieces(self, payload: Payload, pieces: list[Payload], times: Times) -> Prediction:
        answers = [asyncio.ensure_future(self._answer_to(piece, part_of(piece), times)) for piece in pieces]
        try:
            return whole_of(await asyncio.gather(*answers))
        except Unsplittable as error:
            self._switch_off(error)
            return await self._answer_to(payload, None, times)
        finally:
            for answer in answers:
                answer.cancel()

    @property
    def _batch_rows(self) -> int | None:
        """How many rows are predicted together; None if each request is alone."""
        return self._limits.max_rows if self._is_on else None

    def _catch_up(self) -> None:
        """Give the model its next batch, if it is idle by now.

        Where many are refused, and ask again at once, the event loop has all of them to do before it comes to
        the model's answer.
        """
        # What is logged meanwhile is not of the request that is refused.
        Context().run(self._pool.poll)
        Context().run(self._send_due)

    def _line_up(self, payload: Payload, part: Part | None, times: Times, waiter: Waiter) -> Item:
        while self._waiting and not self._waiting[0].is_wanted:
            self._waiting.popleft().drop()
        item = Item(payload, part, times, waiter, self._admission)
        self._deadlines.add(item, times.deadline)
        self._waiting.append(item)
        if self._running is None:
            self._send_soon("idle")
        return item

    async def _answer_to(self, payload: Payload, part: Part | None, times: Times) -> Prediction:
        """Return the answer, or raise it; if nobody awaits it any more, give up its place."""
        awaited = Awaited(self._loop.create_future())
        item = self._line_up(payload, part, times, awaited)
        try:
            return await awaited.answer
        finally:
            item.leave()

    def _send_soon(self, reason: str, answered: int = 0) -> None:
        """Do what `_send_next` does, with all that comes in this turn of the event loop; once for each."""
        if self._due is None:
            self._due = reason, answered
            self._loop.call_soon(self._send_due, context=Context())

    def _send_due(self) -> None:
        if self._due is not None:
            due, self._due = self._due, None
            self._send_next(*due)

    def _send_next(self, reason: str, answered: int = 0) -> None:
        """Send the next batch, if there is one and the pool has none of ours.

        Args:
            reason: why now.
            answered: how many requests have been answered, if batches should take equal turns.
        """
        while self._running is None:
            is_retry = bool(self._retries)
            if not (batch := self._next_batch(answered)):
                return
            self._send(batch, "retry" if is_retry else reason)

    def _send(self, batch: Batch, reason: str) -> None:
        running = Running(batch, self)
        try:
            limit = max([item.times.limit for item in batch])
            self._running = running
            self._pool.submit(running.payload(), limit, running, self._patience_s(running))
        except Exception as error:  # noqa: BLE001 - an error of ours, too, is told to whoever waits
            self._running = None
            self._failed(batch, error)
        else:
            is_full = running.rows >= self._limits.max_rows
            self.events.batch(len(batch), running.rows, "full" if is_full else reason)

    def _patience_s(self, running: Running) -> float | None:
        """Return after how long the model counts as one that hangs; None: at the limit."""
        left_s = min([item.times.limit for item in running.batch]) - self._loop.time()
        usual_s = UNUSUAL * self._admission.pace.seconds(1, running.rows)
        # One that is alone at last may be the one that hangs: those behind it need time, too.
        if len(running.batch) > 1 or self._retries:
            return max(left_s * HANGING_SHARE, usual_s)
        return usual_s if left_s < usual_s else None

    def _next_batch(self, answered: int) -> Batch:
        """Return what is to be sent now; empty if nothing is."""
        while self._retries:
            if batch := still_wanted(self._retries.popleft(), self._loop.time()):
                return batch
        while self._waiting and not self._is_worth_sending(self._waiting[0]):
            self._waiting.popleft()
        if not self._waiting or self._is_pausing():
            return []
        most = equal_turn(len(self._waiting), answered) if answered else len(self._waiting)
        return take(self._waiting, self._limits.max_rows, most)

    def _is_worth_sending(self, item: Item) -> bool:
        """Tell whether *item* is wanted; refuse it if it has waited for so long that it will be too late."""
        if not item.is_wanted:
            item.drop()
            return False
        left_s = item.times.deadline - self._loop.time()
        if not item.is_first and left_s < self._admission.pace.seconds(1, item.rows):
            item.fail(Overloaded("the server is overloaded", 1))
            return False
        return True

    def _is_pausing(self) -> bool:
        """Tell whether the first item waits for others; if so, see to it that it does not wait too long."""
        if not (self._is_on and self._limits.max_delay_s) or self._waiting[0].key is None:
            return False
        left_s = self._waiting[0].came_at + self._limits.max_delay_s - time.perf_counter()
        if left_s <= 0 or sum(item.rows for item in self._waiting) >= self._limits.max_rows:
            return False
        if self._pause is None:
            self._pause = self._loop.call_later(left_s, self._end_pause, context=Context())
        return True

    def _end_pause(self) -> None:
        self._pause = None
        self._send_next("delay")

    def answered(self, running: Running, prediction: Prediction) -> None:
        """Send the next batch, then hand out the answers to this one: no slow model should wait for that."""
        if running is not self._running:
            return  # it was given up
        self._running = None
        # With the time until it is noticed here, which the next batch waits for, too.
        elapsed_s = time.perf_counter() - running.sent_at - prediction.queue_s
        self._admission.pace.note(running.rows, elapsed_s)
        try:
            parts = running.parts(prediction)
        except Exception as error:  # noqa: BLE001 - an error of ours, too, is told to whoever waits
            self._failed(running.batch, error)
            parts = []
        if self._is_on and is_outpaced(self._waiting, self._limits.max_rows, self._admission.pace):
            self._send_soon("answered", len(running.batch))
        else:
            self._send_next("answered")
        queued_until = running.sent_at + prediction.queue_s
        for item, (value, buffers) in zip(running.batch, parts):
            item.succeed(value, buffers, queued_until - item.came_at, prediction.model_s)

    def failed(self, running: Running, error: Exception) -> None:
        """Tell who is to blame, or find out who is; then go on."""
        if running is not self._running:
            return  # it was given up
        self._running = None
        self._failed(running.batch, error)
        self._send_next("answered")

    def _failed(self, batch: Batch, error: Exception) -> None:
        """Take a batch apart that failed, for who is alone is to blame; if there is no model, nobody is."""
        if isinstance(error, Unsplittable):
            self._switch_off(error)
        if len(batch) == 1 or isinstance(error, NotReady):
            fail_all(batch, error)
            return
        middle = len(batch) // 2
        self._retries.extendleft([batch[middle:], batch[:middle]])

    def _switch_off(self, error: ScoringError) -> None:
        if self._is_on:
            logger.warning("batching off", extra={"reason": error.message})
        self._is_on = False
