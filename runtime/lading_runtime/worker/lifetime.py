"""How long a model process lives: as long as its worker does, and until it has reached a limit."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource
import select
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from lading_runtime.worker.log import report

MEMORY = Path("/proc/self/statm")
MEMORY_BYTES = 256
"""More than the seven numbers in it can have (proc_pid_statm(5))."""

OOM_SCORE = Path("/proc/self/oom_score_adj")
OOM_PREFERENCE = 200
"""As if the process had a fifth of the memory more than it has."""


def hang_on(lifeline: socket.socket) -> None:
    """Have the kernel kill this process group when the other end of *lifeline* is closed.

    Whatever runs then, in C or with the interpreter's lock held, and whoever else is left: a parent's
    death signal (``PR_SET_PDEATHSIG``) would tell of the model host, which may be replaced while its
    processes predict on. Nothing is ever sent on a lifeline, so its end is all that it can tell (fcntl(2),
    ``O_ASYNC``, ``F_SETSIG``).
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it was closed before the kernel was asked to look
        os.kill(0, signal.SIGKILL)


def offer_to_the_oom_killer() -> None:
    """Have the kernel, when memory runs out, end this process sooner than the server and the host.

    They are no smaller where the model is shared: its pages count for each process. More than a preference
    would expose the container to others on its machine (proc_pid_oom_score_adj(5)).
    """
    with suppress(OSError, ValueError):  # no process file system, or a system that lets nobody change it
        wanted = int(OOM_SCORE.read_text()) + OOM_PREFERENCE
        OOM_SCORE.write_text(str(min(wanted, 1000)))


@dataclass
class Limit:
    """After what a model process must be replaced; 0 stands for never."""

    max_requests: int = 0
    max_rss_bytes: int = 0
    answered: int = 0

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> Limit:
        """Return what a datagram that asks for a process says."""
        return cls(header.get("max_requests", 0), header.get("max_rss_bytes", 0))

    def check_start(self) -> None:
        """Drop a limit of memory that the loaded model itself exceeds: no replacement would help."""
        if self.max_rss_bytes and rss_bytes() >= self.max_rss_bytes:
            report("the model alone needs more than LADING_MODEL_MAX_RSS, which is ignored")
            self.max_rss_bytes = 0

    def is_reached(self) -> bool:
        """Count one more request; tell whether this process should answer no further one."""
        self.answered += 1
        is_old = 0 < self.max_requests <= self.answered
        return is_old or (self.max_rss_bytes > 0 and rss_bytes() > self.max_rss_bytes)


def rss_bytes() -> int:
    """Return how much memory of this process is resident; where nobody knows that, the most that ever was."""
    try:
        # Once for each request: as text, through a buffer, it takes twice as many system calls.
        with MEMORY.open("rb", buffering=0) as statm:
            return int(statm.read(MEMORY_BYTES).split()[1]) * mmap.PAGESIZE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
