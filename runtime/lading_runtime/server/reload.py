"""SIGHUP: a changed model folder, on its way to the workers without a request that notices.

In three steps, each of which the master looks at once a second: a second model host loads the model, and
nothing happens to the first if it cannot; new workers are started on it, beside the old ones; when all of
them can answer, the old ones stop listening and end with their connections, and then the old host does.
"""

from __future__ import annotations

import logging
import select
import signal
import socket
from typing import Any, Protocol

from lading_runtime import wire
from lading_runtime.server.host import ModelHost
from lading_runtime.server.model import ServedModel
from lading_runtime.server.readiness import Readiness
from lading_runtime.server.settings import BadSetting, Settings

logger = logging.getLogger(__name__)


class Unchanged(Exception):
    """The model cannot be loaded; the one that is served stays. The text says why."""


class Candidate:
    """A model host that loads the model, and a process of it that says whether that went well."""

    def __init__(self, settings: Settings) -> None:
        """Start the host.

        Raises:
            BadSetting: there is no model in the folder any more.
        """
        self.model = ServedModel.read(settings.model)
        self.host = ModelHost(
            self.model, settings.model_python, settings.model_variables, settings.busy_poll_us
        )
        self.host.start()
        self._stream, self._lifeline = self.host.probe()

    def is_ready(self) -> bool:
        """Tell whether the model has been loaded.

        Raises:
            Unchanged: it cannot be.
        """
        if not select.select([self._stream], [], [], 0)[0]:
            how = self.host.poll()
            if how is not None:
                raise Unchanged(f"the model host ended while it loaded the model ({how})")
            return False
        header = _first_word(self._stream)
        if header.get("kind") != "ready":
            raise Unchanged(str(header.get("error", {}).get("message", "the model process ended")))
        self._hang_up()
        return True

    def give_up(self) -> None:
        """End the host."""
        self._hang_up()
        self.host.close()

    def forget(self) -> None:
        """Keep nothing of it; called in a worker, which is none of its."""
        self._hang_up()
        self.host.forget()

    def _hang_up(self) -> None:
        self._stream.close()
        self._lifeline.close()


def _first_word(stream: socket.socket) -> dict[str, Any]:
    """Return the header of what a model process says first; empty if it ended instead."""
    try:
        message = wire.receive(stream)
    except (wire.BrokenStream, OSError):
        message = None
    return {} if message is None else message.header


class Served(Protocol):
    """What new workers serve."""

    settings: Settings
    readiness: Readiness
    others: list[Candidate | ModelHost]

    def switch(self, candidate: Candidate) -> ModelHost:
        """Have new workers serve another model; return the host of the one before."""


class Workers(Protocol):
    """The master, as a reload sees it."""

    num_workers: int
    worker_age: int

    def pids(self) -> frozenset[int]:
        """Return the workers."""

    def spawn_worker(self) -> int:
        """Start a worker."""

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send a signal to a worker."""

    def serve_from(self, host: ModelHost) -> None:
        """Look after another model host from now on."""


class Reload:
    """One reload."""

    def __init__(self, master: Workers, served: Served) -> None:
        """Begin it.

        Raises:
            BadSetting: there is no model in the folder any more.
        """
        self._master = master
        self._served = served
        self._count = master.num_workers
        self._candidate: Candidate | None = Candidate(served.settings)
        served.others.append(self._candidate)
        self._before: ModelHost | None = None
        self._old: frozenset[int] = frozenset()
        self._new: range = range(0)
        self.retired: frozenset[int] = frozenset()
        """Workers that have been told to end."""

    def is_over(self) -> bool:
        """Go on with it; tell whether there is nothing left to do."""
        if self._candidate is not None:
            return self._load(self._candidate)
        if not self.retired:
            self._hand_over()
            return False
        if self.retired.isdisjoint(self._master.pids()):
            self._end()
            return True
        return False

    def _load(self, candidate: Candidate) -> bool:
        try:
            if not candidate.is_ready():
                return False
            self._before = self._served.switch(candidate)
        except (Unchanged, BadSetting) as error:
            logger.error("model not reloaded", extra={"reason": str(error)})  # noqa: TRY400 - no frames
            self._served.others.remove(candidate)
            candidate.give_up()
            return True
        self._candidate = None
        self._served.others[:] = [self._before]
        self._master.serve_from(candidate.host)
        self._start_workers()
        return False

    def _start_workers(self) -> None:
        self._old = self._master.pids()
        before = self._master.worker_age
        self._master.num_workers = self._count + len(self._old)
        for _ in range(self._count):
            self._master.spawn_worker()
        self._new = range(before + 1, self._master.worker_age + 1)

    def _hand_over(self) -> None:
        """Retire the old workers as soon as all the new ones can answer."""
        if not self._served.readiness.have_arrived(self._new):
            return
        self._master.num_workers = self._count
        for pid in self._old & self._master.pids():
            self._master.kill_worker(pid, signal.SIGUSR2)
        self.retired = self._old

    def _end(self) -> None:
        assert self._before is not None  # noqa: S101 - the step before this one has set it
        self._served.others.clear()
        self._before.close()
        logger.info("model reloaded")
