"""A request in the batcher's queue, and whoever waits for its answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from lading_runtime.errors import DeadlineExceeded
from lading_runtime.payload import Node, Payload
from lading_runtime.server.admission import Admission, Pace
from lading_runtime.server.interruption import ClientDisconnected
from lading_runtime.server.joining import Part
from lading_runtime.server.predictor import Prediction, Waiter
from lading_runtime.wire import Buffer

ANSWERED = Payload({"kind": "dict", "items": []}, [], None)
"""Stands for the payload of a request that needs it no more."""


OWN_S = 6e-5
"""What the server itself does for a small request, at least."""


class Nobody:
    """Waits for nothing any more."""

    is_wanted = False

    def answered(self, prediction: Prediction) -> None:
        """Not told."""

    def failed(self, error: Exception) -> None:
        """Not told."""


NOBODY = Nobody()


class Times(NamedTuple):
    """On the event loop's clock."""

    deadline: float
    """When the client must have its answer."""

    limit: float
    """When the model process counts as one that hangs; no client may choose that."""


def size_of(payload: Payload) -> int:
    """Return how many bytes *payload* takes."""
    return sum(map(len, payload.buffers))


class Item:
    """One request, or a piece of one; open until somebody, if anybody is left, was told how it ended."""

    __slots__ = (
        *("_admission", "_waiter", "came_at", "is_first", "is_open", "key", "payload"),
        *("rows", "size_bytes", "times"),
    )

    def __init__(
        self, payload: Payload, part: Part | None, times: Times, waiter: Waiter, admission: Admission
    ) -> None:
        self.payload = payload
        self.key: Hashable | None = None if part is None else part.key
        """None: never joined with others."""
        self.rows = 1 if part is None else part.rows
        self.size_bytes = size_of(payload)
        self.times = times
        self.is_first = admission.is_idle
        """Whether nobody was before it when it came: it is tried, however little time it has."""
        self.came_at = time.perf_counter()
        self.is_open = True
        """Whether nobody has been told yet."""
        self._waiter = waiter
        self._admission = admission
        admission.enter(self.rows, self.size_bytes)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for the answer."""
        return self._waiter.is_wanted

    def succeed(self, value: Node, buffers: Sequence[Buffer], queue_s: float, model_s: float) -> None:
        """Hand the answer to whoever still waits."""
        if self.is_open:
            waiter = self._waiter
            self.leave()
            waiter.answered(Prediction(value, buffers, queue_s, model_s))

    def fail(self, error: Exception) -> None:
        """Hand an error to whoever still waits."""
        if self.is_open:
            waiter = self._waiter
            self.leave()
            waiter.failed(error)

    def expire(self) -> None:
        """Tell whoever waits that there was no answer in time."""
        self.fail(DeadlineExceeded("no answer within the request timeout"))

    def drop(self) -> None:
        """Give it up: nobody waits for the answer."""
        self.fail(ClientDisconnected())

    def leave(self) -> None:
        """Nobody waits any more; keep nothing of the request, perhaps while it is still in the queue."""
        if self.is_open:
            self.is_open = False
            self.payload, self._waiter = ANSWERED, NOBODY
            self._admission.leave(self.rows, self.size_bytes)


Batch = list[Item]
"""Requests that are sent together."""


def fail_all(batch: Batch, error: Exception) -> None:
    """Hand an error to whoever still waits for any of them."""
    for item in batch:
        item.fail(error)


def take(waiting: deque[Item], max_rows: int, most: int) -> Batch:
    """Take the first of those who wait, and others that can be joined with it, in their order.

    Args:
        waiting: at least one; the others stay in it.
        max_rows: of all together, unless the first alone has more.
        most: how many requests.
    """
    first = waiting.popleft()
    batch, rows = [first], first.rows
    if first.key is None:
        return batch
    left: deque[Item] = deque()
    while waiting and rows < max_rows and len(batch) < most:
        item = waiting.popleft()
        if item.key != first.key or rows + item.rows > max_rows:
            left.append(item)
        elif item.is_wanted:
            batch.append(item)
            rows += item.rows
        else:
            item.drop()
    waiting.extendleft(reversed(left))
    return batch


def is_outpaced(waiting: Collection[Item], max_rows: int, pace: Pace) -> bool:
    """Tell whether one call does for all who wait, and takes less time than the server needs for them."""
    if len(waiting) > max_rows:
        return False
    rows = sum([item.rows for item in waiting])
    return rows <= max_rows and 0 < pace.seconds(1, rows) < len(waiting) * OWN_S


def equal_turn(waiting: int, answered: int) -> int:
    """Return how many of those who wait go into a batch, while so many others are being answered.

    Clients that ask again as soon as they are answered make two batches, which take turns: what waited while
    the other was predicted. Where the model is faster than the server, they should be equal, so that each of
    the two works while the other does. A slow model gets all that waits.
    """
    return -(-(waiting + answered) // 2)


def still_wanted(batch: Batch, now: float) -> Batch:
    """Return those that somebody waits for, and that have time left; give the others up."""
    for item in batch:
        if item.times.deadline <= now:
            item.expire()
        elif not item.is_wanted:
            item.drop()
    return [item for item in batch if item.is_wanted]
