"""What observes the requests of a worker, and how the master hands it out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lading_runtime.server import tracing
from lading_runtime.server.ledger import Ledger
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.tracing import Tracer


@dataclass(frozen=True)
class Instruments:
    """What observes the requests of one worker."""

    metrics: Metrics = field(default_factory=Metrics)
    tracer: Tracer | None = None

    async def close(self) -> None:
        """Send what has been observed and not been sent; in a thread, as the network is slow."""
        if self.tracer is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.tracer.close)


class InstrumentCase:
    """The instruments of all workers; made in the master."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Import what is needed, once for all workers.

        Raises:
            BadSetting: the environment asks for something that is not there.
        """
        tracing.check(environ)
        self._environ = environ
        self._ledger = Ledger()
        self._page = 0

    def expect(self, worker: int, others: Collection[int]) -> None:
        """Prepare for *worker*, by gunicorn's number, which is forked next, beside those that live."""
        self._page = self._ledger.assign(worker, others)

    def take(self) -> Instruments:
        """Return the instruments of this worker; called in it."""
        metrics = Metrics(self._ledger, self._page)
        metrics.worker_started(os.getpid())
        return Instruments(metrics, tracing.start(self._environ))
