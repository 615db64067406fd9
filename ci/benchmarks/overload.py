"""What a server makes of ten times the load that it can bear: a model of known cost, clients on loopback.

First the capacity, with as many clients as the model keeps busy; then requests at a multiple of it, each at
its time; then one more when all are answered. An answer is goodput if it is a 200 within the deadline; who is
not refused at once (503) was accepted. Memory is that of all processes of the server. The load takes
processor time of its own, which the server does not have.
"""

import argparse
import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from measure import FOLDER
from open_loop import Clients, Load, percentile
from processes import pss_mb
from serving import Party, free_port, running

OK, REFUSED = 200, 503
CALM_REQUESTS = 50
CLIENTS_AT_CAPACITY = 16
BODY = b'{"inputs": [[1.0, 2.0, 3.0, 4.0]]}'
MODEL = """\
import time

import numpy


class CostlyModel:
    def predict(self, data):
        time.sleep({call_ms} / 1e3 + len(data) * {row_ms} / 1e3)
        return numpy.zeros(len(data))


def _load_pyfunc(path):
    return CostlyModel()
"""
MLMODEL = """\
flavors:
  python_function:
    loader_module: costly_model
    code: code
    python_version: {python}
signature:
  inputs: '[{{"type": "tensor", "tensor-spec": {{"dtype": "float64", "shape": [-1, 4]}}}}]'
  outputs: '[{{"type": "tensor", "tensor-spec": {{"dtype": "float64", "shape": [-1]}}}}]'
"""


@dataclass(frozen=True)
class Case:
    """A model, and how it is served."""

    name: str
    call_ms: float
    row_ms: float
    is_batched: bool


CASES = (
    Case("10 ms for each request", 0, 10, is_batched=False),
    Case("10 ms for each call and 1 ms for each row of it", 10, 1, is_batched=True),
)


@dataclass
class Watch:
    """How much memory the server had, once a second."""

    pid: int
    sizes_mb: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self.sizes_mb.append(await asyncio.to_thread(pss_mb, self.pid))
            await asyncio.sleep(1)


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    calm_ms: float
    """A request that meets no other: the median."""

    peak: Load
    overload: Load
    sizes_mb: list[float]
    first_after_ms: float
    deadline_s: float

    def goodput_per_s(self, load: Load) -> float:
        """Return how many requests were answered in time, a second."""
        in_time = sum(latency <= self.deadline_s for latency in load.latencies_s(OK))
        return in_time / load.seconds

    def __str__(self) -> str:
        load, peak = self.overload, self.goodput_per_s(self.peak)
        accepted = load.latencies_s(*{outcome.status for outcome in load.outcomes} - {REFUSED})
        asked = len(load.outcomes) + load.unsent
        statuses = sorted({outcome.status for outcome in load.outcomes}, key=str)
        half = len(self.sizes_mb) // 2
        rows = {
            "capacity, requests/s": f"{peak:.1f}",
            "asked, requests/s": f"{asked / load.seconds:.0f}, {asked / load.seconds / peak:.1f} times that",
            "goodput, requests/s": f"{self.goodput_per_s(load):.1f}, {self.goodput_per_s(load) / peak:.1%}",
            "answers": ", ".join(f"{status}: {load.count(status)}" for status in statuses),
            "not sent": f"{load.unsent}",
            "accepted, p50 and p99, ms": f"{ms(accepted, 0.5)} and {ms(accepted, 0.99)}",
            "the same in deadlines": f"{percentile(accepted, 0.99) / self.deadline_s:.2f}",
            "refused, p50 and p99, ms": f"{ms(load.latencies_s(REFUSED), 0.5)} and "
            f"{ms(load.latencies_s(REFUSED), 0.99)}",
            "memory, MB, at first, 1st half, 2nd half": f"{self.sizes_mb[0]:.1f}, "
            f"{max(self.sizes_mb[: half + 1]):.1f}, {max(self.sizes_mb[half:]):.1f}",
            "a request before and after, ms": f"{self.calm_ms:.2f} and {self.first_after_ms:.2f}",
        }
        width = max(map(len, rows))
        return "\n".join(f"{name:{width}}  {text}" for name, text in rows.items())


def ms(ordered: list[float], share: float) -> str:
    """Return a percentile of *ordered* seconds in milliseconds."""
    return f"{percentile(ordered, share) * 1e3:.1f}"


def write_model(case: Case) -> Path:
    """Return the folder of the model of *case*."""
    folder = FOLDER / "costly"
    (folder / "code").mkdir(parents=True, exist_ok=True)
    text = MODEL.format(call_ms=case.call_ms, row_ms=case.row_ms)
    (folder / "code" / "costly_model.py").write_text(text)
    (folder / "MLmodel").write_text(MLMODEL.format(python=sys.version.partition(" ")[0]))
    return folder


def server(case: Case, port: int, deadline_s: float) -> Party:
    """Return how the server of *case* is started: one pair."""
    environ = {
        "LADING_MODEL": str(write_model(case)),
        "LADING_MODEL_PYTHON": sys.executable,
        "LADING_HOST": "127.0.0.1",
        "PORT": str(port),
        "MLFLOW_MODELS_WORKERS": "1",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(deadline_s),
        "LADING_BATCHING": "on" if case.is_batched else "off",
        "LADING_BATCH_MAX_ROWS": "16",
        "LADING_LOG_LEVEL": "warning",
    }
    return Party("overload", [sys.executable, "-m", "lading_runtime"], environ)


async def measure(port: int, pid: int, arguments: argparse.Namespace) -> Figures:
    """Return the figures of the server that listens on *port*."""
    clients = Clients(port, BODY)
    calm_ms = await one_by_one_ms(clients)
    deadline_s = arguments.deadline_s
    peak = await clients.closed_loop(CLIENTS_AT_CAPACITY, arguments.capacity_s)
    watch = Watch(pid)
    per_s = arguments.factor * peak.count(OK) / peak.seconds
    overload = await clients.open_loop(per_s, arguments.seconds, arguments.connections, watch.run)
    await asyncio.sleep(1)  # the server closes all of the connections first
    after = await (await clients.connect()).ask(time.perf_counter())
    if after.status != OK:
        sys.exit(f"the first request afterwards was answered {after.status}")
    return Figures(calm_ms, peak, overload, watch.sizes_mb, after.seconds * 1e3, deadline_s)


async def one_by_one_ms(clients: Clients) -> float:
    """Return how long a request takes that meets no other: the median of some."""
    client = await clients.connect()
    outcomes = [await client.ask(time.perf_counter()) for _ in range(CALM_REQUESTS)]
    client.close()
    return statistics.median(outcome.seconds for outcome in outcomes) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="ci/bench overload", description=__doc__)
    parser.add_argument("--factor", type=float, default=10, help="of the capacity (10)")
    parser.add_argument("--seconds", type=float, default=60, help="of overload (60)")
    parser.add_argument("--capacity-s", type=float, default=10, help="of load to find the capacity (10)")
    parser.add_argument("--deadline-s", type=float, default=1, help="of requests (1)")
    parser.add_argument("--connections", type=int, default=1024, help="of the overload, at most (1024)")
    arguments = parser.parse_args()
    for case in CASES:
        port = free_port()
        with running(server(case, port, arguments.deadline_s), port) as (pid, _):
            figures = uvloop.run(measure(port, pid, arguments))
        print(f"{case.name}, {'batched' if case.is_batched else 'one by one'}", "", figures, "", sep="\n")


if __name__ == "__main__":
    main()
