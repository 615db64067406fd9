"""Keeps a worker's event loop from going to sleep while the next request, or answer, is about to come."""

from __future__ import annotations

import asyncio
import time
from contextvars import Context
from functools import cached_property

from lading_runtime.busy_polling import Wait

AHEAD = 2
"""The event loop looks for so many times as long as a model process: its waits include that others wake up.

So it is the first to stay awake, and what the model process waits for becomes shorter by that.
"""


class Vigil:
    """What the event loop waits for at the moment, and whether it stays awake for it.

    An event loop that has something to do next looks for events without waiting for them. So one callback
    that asks for itself again keeps it awake, and delays nobody.
    """

    def __init__(self, busy_poll_s: float) -> None:
        limit_s = AHEAD * busy_poll_s
        self._request, self._answer = Wait(limit_s), Wait(limit_s)
        self._awaited = self._request
        self._since = time.perf_counter()
        self._is_on = limit_s > 0  # otherwise not even the clock is read
        self._is_awake = False
        self._context = Context()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # As in `batching`: to ask for it takes a system call.
        return asyncio.get_running_loop()

    def await_request(self) -> None:
        """The model process is idle from now on."""
        if self._is_on:
            self._await(self._request)

    def await_answer(self) -> None:
        """The model process predicts from now on."""
        if self._is_on:
            self._await(self._answer)

    def _await(self, what: Wait) -> None:
        now = time.perf_counter()
        self._awaited.note(now - self._since)
        self._awaited, self._since = what, now
        if what.is_short and not self._is_awake:
            self._stay_awake()

    def _stay_awake(self) -> None:
        self._loop.call_soon(self._look, context=self._context)
        self._is_awake = True

    def _look(self) -> None:
        what = self._awaited
        self._is_awake = False
        if what.is_short and time.perf_counter() - self._since < what.limit_s:
            self._stay_awake()
