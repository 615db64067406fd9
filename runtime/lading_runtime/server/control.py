"""What workers ask the model host for, and what they report to the master; nobody ever blocks.

`lading_runtime.wire` writes down the model host's control socket. Its other end is shared by the
master and all workers, and does not block: what does not fit now is `Busy`, and tried again later.
The reports go the other way, on a socket of their own, from all workers to the master.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from lading_runtime import wire

MAX_REPORT_BYTES = 1 << 16
MAX_REASON_CHARACTERS = 4000


class Busy(Exception):
    """The socket is full: hundreds of datagrams wait on the other side."""


@dataclass(frozen=True)
class Report:
    """What a worker tells the master of its model process."""

    is_ready: bool
    """False: the model could not be loaded."""

    reason: str = ""
    """Why not."""

    load_s: float | None = None
    """How long the model took to load, where the model process knows."""


class Control:
    """A worker's way to the model host and to the master."""

    def __init__(self, host: socket.socket, master: socket.socket) -> None:
        self._host = host
        self._master = master

    def fork(self, stream: socket.socket) -> None:
        """Ask for a model process that serves *stream*.

        Raises:
            Busy: not now.
        """
        try:
            wire.request_fork(self._host, os.getpid(), stream)
        except BlockingIOError as error:
            raise Busy from error

    def report(self, report: Report) -> None:
        """Tell the master; what it cannot take now, it has heard hundreds of times."""
        short = {**asdict(report), "reason": report.reason[:MAX_REASON_CHARACTERS]}
        try:
            self._master.send(json.dumps(short).encode())
        except BlockingIOError:
            return


def receive_reports(reports: socket.socket) -> Iterator[Report]:
    """Yield what the workers have reported since last time; the socket does not block."""
    while True:
        try:
            data = reports.recv(MAX_REPORT_BYTES)
        except BlockingIOError:
            return
        yield Report(**json.loads(data))


def receive_forks(host_end: socket.socket) -> Iterator[socket.socket]:
    """Yield the sockets that wait for a model process, in place of a model host that is no more.

    The socket was the host's and blocks; but nobody else reads from it now.
    """
    while select.select([host_end], [], [], 0)[0]:
        datagram = wire.receive_datagram(host_end)
        yield from () if datagram is None else datagram.streams
