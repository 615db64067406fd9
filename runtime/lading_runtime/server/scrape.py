"""``/metrics``: the numbers of all workers, from whichever worker is asked.

Nothing about any payload is among them; names of routes, errors and reasons are words of the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from starlette.types import Receive, Scope, Send

from lading_runtime import __version__
from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.server.exposition import (
    OPEN_METRICS,
    PROMETHEUS,
    Exposed,
    Sample,
    histogram,
    labels_of,
    render,
    wants_open_metrics,
)
from lading_runtime.server.ledger import Entry
from lading_runtime.server.metrics import COUNTED, HISTOGRAM, PIDS, Family, Metrics
from lading_runtime.server.model import ServedModel
from lading_runtime.server.observation import Observer
from lading_runtime.server.responses import respond

PAGE_SIZE_BYTES = os.sysconf("SC_PAGE_SIZE")
MEMORY_HELP = "Memory that a process has in RAM; what worker and model processes share is in each of them."

Totals = dict[tuple[str, ...], float]


class Scrape:
    """Answers with all metrics."""

    def __init__(self, metrics: Metrics, observer: Observer, model: ServedModel, identity: Identity) -> None:
        self._metrics = metrics
        self._observer = observer
        self._labels = model_labels(model, identity)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one scrape: with all that this worker has answered; others count some milliseconds later."""
        self._observer.flush()
        is_open = wants_open_metrics(dict(scope["headers"]).get(b"accept", b""))
        body = render(self._families(), is_open=is_open)
        await respond(send, 200, body, media_type=OPEN_METRICS if is_open else PROMETHEUS)

    def _families(self) -> Iterator[Exposed]:
        entries = list(self._metrics.ledger.entries())
        totals: Totals = {}
        for entry in entries:
            totals[entry.key] = totals.get(entry.key, 0.0) + entry.value
        for family in COUNTED:
            yield _exposed(family, totals)
        yield _memory(entries)
        yield _info("lading_model", "The model that is served.", self._labels)
        yield _info("lading_runtime", "The server.", {"version": __version__})


def _exposed(family: Family, totals: Totals) -> Exposed:
    own = {key[1:]: value for key, value in totals.items() if key[0] == family.name}
    samples = _histograms(family, own) if family.kind == HISTOGRAM else _numbers(family, own)
    return Exposed(family.name, family.kind, family.help, tuple(samples))


def _numbers(family: Family, own: Totals) -> list[Sample]:
    return [Sample("", tuple(zip(family.labels, texts)), value) for texts, value in sorted(own.items())]


def _histograms(family: Family, own: Totals) -> Iterator[Sample]:
    """Yield the samples of each histogram of *family*; the last name of a key is the bucket, or ``sum``."""
    for texts in sorted({key[:-1] for key in own}):
        counts = [own.get((*texts, str(bucket)), 0.0) for bucket in range(len(family.bounds) + 1)]
        labels = tuple(zip(family.labels, texts))
        yield from histogram(labels, family.bounds, counts, own.get((*texts, "sum"), 0.0))


def _memory(entries: list[Entry]) -> Exposed:
    samples = []
    for entry in entries:
        if entry.key[0] == PIDS.name and entry.value:
            labels = labels_of({"worker": str(entry.page), "process": entry.key[1]})
            samples.append(Sample("", labels, resident_bytes(int(entry.value))))
    return Exposed("lading_resident_memory_bytes", "gauge", MEMORY_HELP, tuple(samples))


def resident_bytes(pid: int) -> float:
    """Return how much memory a process has in RAM; 0 of one that has just ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_SIZE_BYTES
    except (OSError, IndexError):
        return 0.0


def model_labels(model: ServedModel, identity: Identity) -> dict[str, str]:
    """Return what tells one model from another."""
    facts = model.facts()
    return {
        "name": identity.name,
        "version": identity.version,
        "run_id": str(facts["run_id"] or ""),
        "model_id": str(facts["model_id"] or ""),
        "model_uuid": str(facts["model_uuid"] or ""),
        "flavors": ",".join(facts["flavors"]),
        "mlflow": model.mlflow_version or "",
    }


def _info(name: str, text: str, labels: dict[str, str]) -> Exposed:
    return Exposed(name, "info", text, (Sample("", labels_of(labels), 1.0),))
