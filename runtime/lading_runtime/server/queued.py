"""A request in the batcher's queue, and whoever waits for its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from typing import NamedTuple

from lading_runtime.errors import DeadlineExceeded
from lading_runtime.payload import Payload
from lading_runtime.server.joining import Part
from lading_runtime.server.predictor import Prediction

ANSWERED = Payload({"kind": "dict", "items": []}, [], None)
"""Stands for the payload of a request that needs it no more."""


class Times(NamedTuple):
    """On the event loop's clock."""

    deadline: float
    """When the client must have its answer."""

    limit: float
    """When the model process counts as one that hangs; no client may choose that."""


class Item:
    """One request, or a piece of one, and whoever waits for its answer."""

    __slots__ = ("answer", "came_at", "is_first", "key", "payload", "rows", "size_bytes", "timer", "times")

    def __init__(
        self, payload: Payload, part: Part | None, times: Times, answer: asyncio.Future[Prediction]
    ) -> None:
        self.payload = payload
        self.key: Hashable | None = None if part is None else part.key
        """None: never joined with others."""
        self.rows = 1 if part is None else part.rows
        self.size_bytes = sum(map(len, payload.buffers))
        self.times = times
        self.answer = answer
        self.is_first = False
        """Whether nobody was before it when it came: it is tried, however little time it has."""
        self.came_at = time.perf_counter()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for the answer."""
        return not self.answer.done()

    def succeed(self, prediction: Prediction, sent_at: float) -> None:
        """Hand the answer to whoever still waits."""
        if self.is_wanted:
            queue_s = sent_at - self.came_at + prediction.queue_s
            self.answer.set_result(
                Prediction(prediction.value, prediction.buffers, queue_s, prediction.model_s)
            )

    def fail(self, error: Exception) -> None:
        """Hand an error to whoever still waits."""
        if self.is_wanted:
            self.answer.set_exception(error)

    def expire(self) -> None:
        """Tell whoever waits that there was no answer in time."""
        self.fail(DeadlineExceeded("no answer within the request timeout"))

    def leave(self) -> None:
        """Keep nothing of the data: it is answered, perhaps while it is still in the queue."""
        if self.timer is not None:
            self.timer.cancel()
        self.payload = ANSWERED


Batch = list[Item]
"""Requests that are sent together."""


def fail_all(batch: Batch, error: Exception) -> None:
    """Hand an error to whoever still waits for any of them."""
    for item in batch:
        item.fail(error)
