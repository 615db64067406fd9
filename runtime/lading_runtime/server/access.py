"""One line per request: what was asked, what was answered, and where the time went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from lading_runtime.server.exchange import Exchange
from lading_runtime.server.logs import EVENTS

logger = logging.getLogger("lading_runtime.access")

GATHER_S = 0.005
"""How long lines may wait for others: each has its own time, and is soon enough for who reads it."""

MOST = 64
"""Lines that are gathered."""


class AccessLog:
    """Logs requests that have been answered, those of some milliseconds at once.

    A record and a system call for each would cost as much as reading and checking a small request.
    """

    def __init__(self) -> None:
        self._gathered: list[Exchange] = []

    def add(self, exchanges: Sequence[Exchange]) -> None:
        """Log requests, soon."""
        if not logger.isEnabledFor(logging.INFO):
            return
        if not self._gathered:
            asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        self._gathered += exchanges
        if len(self._gathered) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Log what has been gathered; the logger itself would look up who called it."""
        if self._gathered:
            record = logging.LogRecord(logger.name, logging.INFO, __file__, 0, "request", None, None)
            record.__dict__[EVENTS], self._gathered = self._gathered, []
            logger.handle(record)
