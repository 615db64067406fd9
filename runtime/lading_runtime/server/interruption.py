"""Ends what a request awaits when something else happens first: time runs out, or the client leaves."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import cast

from starlette.types import Receive


class ClientDisconnected(Exception):
    """The client went away, or takes nothing any more; nobody is there to be answered."""


class Interruption:
    """Within it, what is awaited at the call of `interrupt` is cancelled, and *error* raised instead.

    What `asyncio.timeout` of Python 3.11 does for time, for 3.9 too, and without a task of its own.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._is_interrupted = False

    def __enter__(self) -> None:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())

    def interrupt(self) -> None:
        """Cancel what is awaited; called from a callback of the event loop."""
        self._is_interrupted = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_interrupted and isinstance(error, asyncio.CancelledError):
            raise self._error from None


class Cutoff(Interruption):
    """Within it, what is awaited at *deadline*, on the event loop's clock, ends with *error*."""

    def __init__(self, deadline: float, error: Exception) -> None:
        super().__init__(error)
        self.deadline = deadline

    def __enter__(self) -> None:
        super().__enter__()
        self._timer = asyncio.get_running_loop().call_at(self.deadline, self.interrupt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        super().__exit__(kind, error, trace)


class Presence(Interruption):
    """Within it, what is awaited when the client leaves ends with `ClientDisconnected`.

    The request's body must have been read.
    """

    def __init__(self, receive: Receive) -> None:
        super().__init__(ClientDisconnected())
        self._receive = receive

    def __enter__(self) -> None:
        super().__enter__()
        self._watch = asyncio.get_running_loop().create_task(self._until_it_leaves())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.cancel()
        super().__exit__(kind, error, trace)

    async def _until_it_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.interrupt()
