"""Keeps a worker's event loop from going to sleep while the next request, or answer, is about to come."""

from __future__ import annotations

import asyncio
import os
import time
from contextvars import Context

from lading_runtime.busy_polling import Wait

AHEAD = 2
"""As many times as long as a model process. The event loop is the first to stay awake: what it waits for
includes that others are woken up. What the model process then waits for becomes short enough for it, too, if
there is only little to do; and where there is much to do, event loops do not sleep anyway."""


class Vigil:
    """What the event loop waits for at the moment, and whether it is worth to stay awake for it.

    An event loop that has something to do next looks for events without waiting for them. So one callback
    that asks for itself again keeps it awake, and delays nobody.
    """

    def __init__(self, busy_poll_s: float) -> None:
        limit_s = AHEAD * busy_poll_s
        self._request, self._answer = Wait(limit_s), Wait(limit_s)
        self._awaited = self._request
        self._since = time.perf_counter()
        self._is_on = limit_s > 0
        self._is_awake = False
        self._context = Context()

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
            self._is_awake = True
            self._stay_awake()

    def _stay_awake(self) -> None:
        asyncio.get_running_loop().call_soon(self._look, context=self._context)

    def _look(self) -> None:
        what = self._awaited
        if what.is_short and time.perf_counter() - self._since < what.limit_s:
            os.sched_yield()  # whoever has something to do goes first, such as the model's threads
            self._stay_awake()
        else:
            self._is_awake = False
