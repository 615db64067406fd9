"""What workers ask the model host for, and what they report to the master; nobody ever blocks.

`lading_runtime.wire` writes down the model host's control socket. Its other end is shared by the
master and all workers, and does not block: what does not fit now is `Busy`, and tried again later.
The reports go the other way, on a socket of their own, from all workers to the master.
"""

from __future__ import annotations

import json
import os
import random
import select
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from lading_runtime import wire
from lading_runtime.server.readiness import Readiness

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


@dataclass(frozen=True)
class Recycling:
    """When model processes are replaced though nothing is wrong with them; 0 stands for never."""

    max_requests: int = 0
    """gunicorn's ``--max-requests``."""

    max_requests_jitter: int = 0
    """gunicorn's ``--max-requests-jitter``: at most so many more, so that not all are replaced at once."""

    max_rss_bytes: int = 0
    """``LADING_MODEL_MAX_RSS``."""

    def lifetime(self) -> wire.Lifetime:
        """Return the limits of one model process."""
        more = random.randint(0, self.max_requests_jitter) if self.max_requests else 0  # noqa: S311 - no secret
        return wire.Lifetime(self.max_requests + more, self.max_rss_bytes)


class Control:
    """A worker's way to the model host and to the master."""

    def __init__(
        self, host: socket.socket, master: socket.socket, readiness: Readiness, recycling: Recycling
    ) -> None:
        self._host = host
        self._master = master
        self._readiness = readiness
        self._recycling = recycling

    @property
    def is_serving(self) -> bool:
        """Whether all workers of the server could answer, once."""
        return self._readiness.is_serving

    def fork(self, stream: socket.socket) -> socket.socket:
        """Ask for a model process that serves *stream*; return its lifeline: it ends when that is closed.

        Raises:
            Busy: not now.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                wire.request_fork(self._host, os.getpid(), stream, theirs, self._recycling.lifetime())
            except BlockingIOError as error:
                ours.close()
                raise Busy from error
        return ours

    def report(self, report: Report) -> None:
        """Tell the other workers, and the master: what it cannot take now, it has heard hundreds of times."""
        if report.is_ready:
            self._readiness.arrive()
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
        yield from () if datagram is None else datagram.sockets[:1]
