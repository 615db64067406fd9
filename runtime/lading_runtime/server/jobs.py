"""Payloads on their way through the model process, each with whoever waits for its answer.

A job knows what the messages of the model process mean to the one who waits; when it is sent, timed
and given up is the pool's business.
"""

from __future__ import annotations

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections import deque

from lading_runtime.errors import ScoringError
from lading_runtime.payload import Payload
from lading_runtime.server import answers
from lading_runtime.server.framing import packed
from lading_runtime.server.predictor import Prediction, Waiter
from lading_runtime.wire import Message


class Job(ABC):
    """One payload and whoever waits for its answer."""

    def __init__(self, number: int, payload: Payload, *, is_streamed: bool) -> None:
        self.number = number
        # Packed before it queues, so that what cannot be packed fails here and not in a callback.
        self.pieces = packed(answers.request(number, payload, is_streamed=is_streamed))
        self.came_at = time.perf_counter()
        self.sent_at = self.came_at
        self.deadline = math.inf
        """On the event loop's clock."""
        self.within_s: float | None = None
        """How long the model process may take for it, if that is not until the deadline."""
        self.timer: asyncio.TimerHandle | None = None
        """Runs for as long as the model process is waited for, also if nobody waits for the answer:
        otherwise a hanging prediction for a client that left would hang for ever."""

    def stop_timer(self) -> None:
        """Let the model process take its time."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def end(self, error: ScoringError | None = None) -> None:
        """Stop the timer; hand *error* to whoever still waits."""
        self.stop_timer()
        if error is not None:
            self._fail(error)

    @property
    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether anybody waits for the answer."""

    @abstractmethod
    def take(self, message: Message) -> None:
        """Take what the model process says."""

    @abstractmethod
    def _fail(self, error: Exception) -> None:
        """Hand *error* to whoever still waits."""

    def _prediction(self, message: Message) -> Prediction:
        queue_s, model_s = self.sent_at - self.came_at, time.perf_counter() - self.sent_at
        return Prediction(answers.value_of(message.header), message.buffers, queue_s, model_s)


class Single(Job):
    """A payload with one answer."""

    def __init__(self, number: int, payload: Payload, waiter: Waiter, within_s: float | None = None) -> None:
        super().__init__(number, payload, is_streamed=False)
        self.within_s = within_s
        self._waiter = waiter

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for the answer."""
        return self._waiter.is_wanted

    def take(self, message: Message) -> None:
        """Take the answer."""
        self.stop_timer()
        try:
            prediction = self._prediction(message)
        except Exception as error:  # noqa: BLE001 - also of a message that is none of ours
            self._fail(error)
        else:
            self._waiter.answered(prediction)

    def _fail(self, error: Exception) -> None:
        self._waiter.failed(error)


class Stream(Job):
    """A payload whose answer comes in parts."""

    def __init__(self, number: int, payload: Payload) -> None:
        super().__init__(number, payload, is_streamed=True)
        self._parts: deque[Prediction] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._is_left = False
        self._error: Exception | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for the rest."""
        return not self._is_left

    @property
    def is_starved(self) -> bool:
        """Whether every part that came has been taken."""
        return not self._parts

    async def next(self) -> Prediction | None:
        """Return the next part, or None after the last.

        Raises:
            ScoringError: instead of the next part.
        """
        while not self._parts and not self._is_over:
            self._news.clear()
            await self._news.wait()
        if self._parts:
            return self._parts.popleft()
        if self._error is not None:
            raise self._error
        return None

    def leave(self) -> None:
        """Nobody waits any more: what still comes is thrown away."""
        self._is_left = True
        self._parts.clear()

    def take(self, message: Message) -> None:
        """Take the next part, or the end."""
        if not answers.is_last(message.header):
            if self.is_wanted:
                self._parts.append(self._prediction(message))
                self._news.set()
            return
        self.end(None if message.header["kind"] == "end" else answers.error_in(message.header))

    def end(self, error: ScoringError | None = None) -> None:
        """Nothing more comes: after the parts that are there, raise *error*, or say that they were all."""
        super().end(error)
        self._is_over = True
        self._news.set()

    def _fail(self, error: Exception) -> None:
        self._error = error
