"""The end of listening: whoever has connected until then is accepted.

The system resets what nobody has accepted when the last worker closes its socket. To let the event loop look
at the socket once more before it is closed is not enough: in the same round it answers requests, and others
connect meanwhile. So nothing comes between the last look and the end.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator

MAX_LAST = 1 << 14
"""More than a system keeps waiting; who connects without end does not keep the worker."""


def descriptors_of(sockets: Iterable[socket.socket]) -> list[socket.socket]:
    """Return *sockets* that stay open when the event loop closes its own, but for those that are closed."""
    return [each.dup() for each in sockets if each.fileno() >= 0]


def accept_the_last(listeners: Iterable[socket.socket]) -> list[socket.socket]:
    """Return everybody who has connected to *listeners*, which are closed."""
    accepted: list[socket.socket] = []
    for listener in listeners:
        with listener:
            listener.setblocking(False)
            accepted.extend(_waiting(listener))
    return accepted


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    # There is nobody, another worker was faster, or there are no descriptors left.
    with contextlib.suppress(OSError):
        for _ in range(MAX_LAST):
            yield listener.accept()[0]
