"""uvicorn's connection, which waits for no client without end.

The head of a request must be there in time, an answer must be taken piece by piece, and a connection is kept
for only so long. Unlike uvicorn's, one timer stays for as long as requests come.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True)
class ConnectionLimits:
    """What clients may take of a worker."""

    max_connections: int

    timeout_s: float
    """For the head of a request, and for some of an answer to be taken."""


class PatientProtocol(HttpToolsProtocol):
    """Hangs up on clients that keep it waiting."""

    limits: ConnectionLimits
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since: float | None = None
    """When the last answer was written, on the event loop's clock; None while there is a request."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        for timer in (self._head_timer, self._write_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client, which does not take what it is sent."""
        super().pause_writing()
        self._await_taking(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _await_request(self) -> None:
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._check_idle)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _check_idle(self) -> None:
        """End a connection that has been kept alive for nothing; on one that is in use, look again later."""
        self._idle_timer = None
        if self._idle_since is None:
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s, self._check_idle)
        else:
            self.timeout_keep_alive_handler()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.timeout_s, self._give_up)

    def _give_up(self) -> None:
        """End a connection whose client does not finish what it began to ask."""
        if not self.transport.is_closing():
            self.transport.close()

    def _await_taking(self, size_bytes: int) -> None:
        self._write_timer = self.loop.call_later(self.limits.timeout_s, self._check_taking, size_bytes)

    def _check_taking(self, size_bytes: int) -> None:
        """Drop a client that has taken nothing of an answer since there were *size_bytes* left to be sent."""
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes >= size_bytes:
            self.logger.warning("A client does not take its answer.")
            self.transport.abort()
        else:
            self._await_taking(left_bytes)
