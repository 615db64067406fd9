"""Who waits for predictions: a coroutine that awaits one, or whoever is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from lading_runtime.server.predictor import Prediction, Waiter


class Awaited:
    """A waiter whose answer can be awaited."""

    def __init__(self, answer: asyncio.Future[Prediction]) -> None:
        self.answer = answer

    @property
    def is_wanted(self) -> bool:
        """Whether it is awaited still."""
        return not self.answer.done()

    def answered(self, prediction: Prediction) -> None:
        """Hand on the answer, if it is awaited still."""
        if not self.answer.done():
            self.answer.set_result(prediction)

    def failed(self, error: Exception) -> None:
        """Hand on the error, if the answer is awaited still."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Followers:
    """Waiters for what coroutines return, or raise."""

    def __init__(self) -> None:
        # An event loop itself forgets tasks that nobody else knows.
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, work: Coroutine[Any, Any, Prediction], waiter: Waiter) -> None:
        """Have *work* done; tell *waiter* how it ends."""
        task = asyncio.get_running_loop().create_task(_tell(work, waiter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _tell(work: Coroutine[Any, Any, Prediction], waiter: Waiter) -> None:
    try:
        prediction = await work
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the waiter's
        waiter.failed(error)
    else:
        waiter.answered(prediction)
