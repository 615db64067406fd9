"""What each further worker costs: the PSS of the whole server with 1, 2 and 4 workers, after some load.

PSS is a process's own memory and its share of what it shares, so it adds up to what the machine has lost.
"""

import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comparison import Bound, as_json
from measure import FOLDER, run
from parties import Setting, lading
from processes import pss_mb
from serving import Question, free_port, running
from wrk import drive

WORKERS = (1, 2, 4)
MIB_OF_MB = 1e6 / 2**20
LOAD_S = 2
HEAVY_MODEL = Path(__file__).with_name("models") / "train_heavy.py"
HEAVY_QUESTION = Question({"inputs": [[1.0, 2.0, 3.0, 4.0]]})


@dataclass
class Memory:
    """MiB of a server, by its number of workers."""

    title: str
    limit_mib: float
    mib: dict[int, list[float]]

    def median(self, workers: int) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.mib[workers])

    @property
    def slope_mib(self) -> float:
        """What each worker after the first costs: the line through all medians (least squares)."""
        medians = [self.median(workers) for workers in WORKERS]
        return statistics.linear_regression(WORKERS, medians).slope

    def bounds(self) -> list[Bound]:
        """Return what must hold."""
        what = f"{self.title}: MiB of each further worker"
        return [Bound(what, self.slope_mib, self.limit_mib, is_floor=False)]

    def row(self) -> str:
        """Return it as a row of a table."""
        cells = " | ".join(f"{self.median(workers):,.0f}" for workers in WORKERS)
        return f"| {self.title} | {cells} | {self.slope_mib:.1f} |"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"title": self.title, "mib": self.mib, "bounds": as_json(self.bounds())}


def table(memories: list[Memory]) -> str:
    """Return all of them as one table."""
    workers = " | ".join(map(str, WORKERS))
    head = ["**Memory of all processes (PSS), MiB**", "", f"| workers | {workers} | each further |"]
    rows = [memory.row() for memory in memories]
    foot = [str(bound) for memory in memories for bound in memory.bounds()]
    return "\n".join([*head, "|---" * (len(WORKERS) + 2) + "|", *rows, "", *foot])


def heavy_model(python: Path) -> Path:
    """Return a model that holds an array of 1 GB; made once."""
    folder = FOLDER / "model-1gb"
    if not (folder / "MLmodel").exists():
        run(python, HEAVY_MODEL, folder)
    return folder


def measure_memory(iris: Setting, question: Question, rounds: int) -> list[Memory]:
    """Return what workers cost with the iris model, and with one of 1 GB."""
    heavy = replace(iris, model=heavy_model(iris.model_python))
    light, large = Memory("iris", 30, {}), Memory("a model of 1 GB", 60, {})
    cases = ((light, iris, question), (large, heavy, HEAVY_QUESTION))
    for _ in range(rounds):
        for workers in WORKERS:
            for memory, setting, asked in cases:
                mib = total_mib(replace(setting, workers=workers), asked)
                memory.mib.setdefault(workers, []).append(mib)
                print(f"  {memory.title}: {workers} workers {mib:.0f} MiB", file=sys.stderr, flush=True)
    return [light, large]


def total_mib(setting: Setting, question: Question) -> float:
    """Return the memory of a server whose workers have all answered."""
    port = free_port()
    with running(lading(setting, port), port) as (pid, _):
        # Enough connections that the kernel gives every worker some of them.
        drive(question, port, setting.workers * 16, LOAD_S)
        return pss_mb(pid) * MIB_OF_MB
