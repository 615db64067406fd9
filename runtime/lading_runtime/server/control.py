"""The datagrams between master, workers and model host; `lading_runtime.wire` writes them down.

One socket goes to the model host and is shared by the master and all workers; another one, in the
other direction, brings the workers' reports to the master. Neither end ever waits for the other:
what does not fit into a socket now is refused (`Busy`) and tried again later.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_DATAGRAM_BYTES = 1 << 16
MAX_REASON_CHARACTERS = 4000


class Busy(Exception):
    """The socket is full: hundreds of datagrams wait on the other side."""


@dataclass(frozen=True)
class Report:
    """What a worker tells the master of its model process."""

    is_ready: bool
    """False: the model could not be loaded."""

    reason: str = ""

    load_s: float | None = None
    """How long the model took to load, where the model process knows."""


class Control:
    """A worker's way to the model host and to the master."""

    def __init__(self, host: socket.socket, master: socket.socket) -> None:
        self._host = host
        self._master = master

    def fork(self, theirs: socket.socket) -> None:
        """Ask for a model process that serves *theirs*.

        Raises:
            Busy: not now.
        """
        _send(self._host, {"kind": "fork", "worker": os.getpid()}, theirs.fileno())

    def report(self, report: Report) -> None:
        """Tell the master; what it cannot take now, it has heard hundreds of times."""
        reason = report.reason[:MAX_REASON_CHARACTERS]
        try:
            _send(self._master, {"is_ready": report.is_ready, "reason": reason, "load_s": report.load_s})
        except Busy:
            return


def send_orphans(host: socket.socket, worker: int) -> None:
    """Tell the model host that *worker* is gone.

    Raises:
        Busy: not now.
    """
    _send(host, {"kind": "orphans", "worker": worker})


def receive_reports(reports: socket.socket) -> Iterator[Report]:
    """Yield what the workers have reported since last time."""
    while (data := _receive(reports)) is not None:
        yield Report(**json.loads(data[0]))


def receive_forks(host_end: socket.socket) -> Iterator[socket.socket]:
    """Yield the sockets that wait for a model process, in place of a model host that is no more."""
    while (data := _receive(host_end)) is not None:
        yield from (socket.socket(fileno=fd) for fd in data[1])


def _send(sock: socket.socket, datagram: dict[str, Any], *fds: int) -> None:
    try:
        socket.send_fds(sock, [json.dumps(datagram).encode()], list(fds), socket.MSG_DONTWAIT)
    except BlockingIOError as error:
        raise Busy from error


def _receive(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """Return the next datagram and its file descriptors, or None where none waits."""
    try:
        data, fds, _, _ = socket.recv_fds(sock, MAX_DATAGRAM_BYTES, 1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    return (data, fds) if data else None
