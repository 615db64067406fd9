"""uvicorn's connection, which waits for no client without end.

The head of a request must be there in time, an answer must be taken piece by piece, also the last one, and a
connection is kept for only so long. Unlike uvicorn's, one timer stays for as long as requests come.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lading_runtime.server.taking import Farewell, taken_bytes

STOPPING_S = 1.0
"""How long a client that has been answered may hold a server that stops."""


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
    _farewell: Farewell | None = None
    """Waits for the client, if nothing more is written."""
    _is_stopping = False
    """Whether the server stops: what is asked is answered, and no more."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        for timer in (self._head_timer, self._write_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        if self._farewell is not None:
            self._farewell.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client, which does not take what it is sent."""
        super().pause_writing()
        self._await_taking()

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
        self._close()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection on which nothing is asked any more."""
        self._close()

    def eof_received(self) -> None:
        """End the connection: nobody can tell whether a client that ended its side reads the other."""
        self._close()

    def _has_ended(self) -> bool:
        """Tell whether nothing may be written any more."""
        return self._farewell is not None or self.transport.is_closing()

    def _close(self) -> None:
        """End the connection behind what has been written."""
        if not self._has_ended():
            self._part()
            self.transport.close()

    def _part(self) -> None:
        """See to it that a connection on which nothing more is written ends, whatever its client does."""
        self._stop_head_timer()
        if self._farewell is not None:
            self._farewell.cancel()
        timeout_s = self.limits.timeout_s
        then_s = min(timeout_s, STOPPING_S) if self._is_stopping else timeout_s
        self._farewell = Farewell(self.transport, timeout_s, then_s)

    def _await_taking(self) -> None:
        taken = taken_bytes(self.transport)
        self._write_timer = self.loop.call_later(self.limits.timeout_s, self._check_taking, taken)

    def _check_taking(self, before_bytes: int) -> None:
        """Drop a client that has taken nothing of an answer for as long as it may."""
        if taken_bytes(self.transport) > before_bytes:
            self._await_taking()
        else:
            self.logger.warning("A client does not take its answer.")
            self.transport.abort()
