"""Whether a client takes what it is sent, and the end of a connection on which nothing more is written.

What the event loop has left to be sent does not tell: of a connection with TLS it knows only what is not
encrypted yet. The kernel knows what has reached the other side (``tcp_info``, since Linux 4.1); where it does
not say so, what the event loop has left must do.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress

TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
BYTES_ACKED = struct.Struct("=120xQ")
"""Where ``tcpi_bytes_acked`` stands in ``struct tcp_info``, which only ever grows (``linux/tcp.h``)."""

COUNT = struct.Struct("=i")


def taken_bytes(transport: asyncio.Transport) -> int:
    """Return a number that becomes larger when the client takes some of what was written."""
    connected = transport.get_extra_info("socket")
    if connected is None or TCP_INFO is None:
        return -transport.get_write_buffer_size()
    with suppress(OSError, struct.error):  # it has ended, or the kernel is an old one
        info = connected.getsockopt(socket.IPPROTO_TCP, TCP_INFO, BYTES_ACKED.size)
        taken: int = BYTES_ACKED.unpack(info)[0]
        return taken
    return -transport.get_write_buffer_size()


def has_taken_all(transport: asyncio.Transport) -> bool:
    """Tell whether nothing of what was written is still on its way."""
    if transport.get_write_buffer_size():
        return False
    connected = transport.get_extra_info("socket")
    if connected is None:
        return True
    with suppress(OSError):  # it has ended
        return not COUNT.unpack(fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, bytes(COUNT.size)))[0]
    return True


class Farewell:
    """Ends a connection on which nothing more is written.

    Either its client has taken none of what was written for *timeout_s*, or has had all of it for *then_s*.
    """

    def __init__(self, transport: asyncio.Transport, timeout_s: float, then_s: float) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._then_s = then_s
        self._loop = asyncio.get_running_loop()
        self._taken_bytes = taken_bytes(transport)
        self._since = self._loop.time()
        self._timer = self._wait(min(timeout_s, then_s))

    def cancel(self) -> None:
        """Leave the connection alone."""
        self._timer.cancel()

    def _wait(self, after_s: float) -> asyncio.TimerHandle:
        return self._loop.call_later(after_s, self._check)

    def _check(self) -> None:
        """Hang up on a client that has been waited for; look again in time if it has not."""
        now = self._loop.time()
        taken = taken_bytes(self._transport)
        if taken > self._taken_bytes:
            self._taken_bytes, self._since = taken, now
        limit_s = self._then_s if has_taken_all(self._transport) else self._timeout_s
        left_s = self._since + limit_s - now
        if left_s > 0:
            self._timer = self._wait(min(left_s, self._then_s))
        else:
            self._transport.abort()
