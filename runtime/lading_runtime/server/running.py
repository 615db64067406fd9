"""The batch that the model is predicting, between the batcher and the pool."""

from __future__ import annotations

import time
from typing import Protocol

from lading_runtime.payload import Payload
from lading_runtime.server.joining import Value, join, parts_of
from lading_runtime.server.predictor import Prediction, Predictor, Waiter
from lading_runtime.server.queued import Batch


class Source(Predictor, Protocol):
    """What batches are given to; the pool is one."""

    def submit(
        self, payload: Payload, deadline: float, waiter: Waiter, within_s: float | None = None
    ) -> None:
        """Tell *waiter* the answer to *payload*, or why there is none.

        Raises:
            NotReady: payloads are not taken, and *waiter* is told nothing.
        """
        ...

    def poll(self) -> None:
        """Have answers that have come be there."""


class Owner(Protocol):
    """Who sent the batch."""

    def answered(self, running: Running, prediction: Prediction) -> None:
        """The model answered."""

    def failed(self, running: Running, error: Exception) -> None:
        """There is no answer."""


class Running:
    """Requests that are predicted together, and since when; waits for the pool."""

    is_wanted = True

    def __init__(self, batch: Batch, owner: Owner) -> None:
        self.batch = batch
        self.rows = sum([item.rows for item in batch])
        self.sent_at = time.perf_counter()  # before: what the pool waits for is counted by the pool
        self._owner = owner

    def payload(self) -> Payload:
        """Return what the model is asked."""
        batch = self.batch
        return batch[0].payload if len(batch) == 1 else join([item.payload for item in batch])

    def parts(self, prediction: Prediction) -> list[Value]:
        """Return what each request is answered.

        Raises:
            Unsplittable: the model has not answered each row.
        """
        whole: Value = prediction.value, prediction.buffers
        return [whole] if len(self.batch) == 1 else parts_of(*whole, [item.rows for item in self.batch])

    def answered(self, prediction: Prediction) -> None:
        """Tell who sent it."""
        self._owner.answered(self, prediction)

    def failed(self, error: Exception) -> None:
        """Tell who sent it."""
        self._owner.failed(self, error)
