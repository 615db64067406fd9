"""How soon the runtime answers, and how soon it is ready, beside what nobody can do without.

HTTP answers (``/health``) beside the import of fastapi, uvicorn and gunicorn in the same interpreter;
ready (``/ping``) beside a bare script that loads the same model and predicts once. Rounds alternate.
"""

import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comparison import Bound, as_json
from measure import run
from parties import Setting, lading
from serving import free_port, started, wait

BARE = Path(__file__).with_name("bare_prediction.py")
LIVE_LIMIT, READY_LIMIT = 1.5, 1.15
NAMES = {
    "imports": "`import fastapi, uvicorn, gunicorn`",
    "live": "Lading: HTTP answers",
    "bare": "a bare script loads the model and predicts once",
    "ready": "Lading: ready",
}


@dataclass
class Start:
    """Seconds, round by round."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in NAMES})

    def add(self, **figures: float) -> None:
        """Add the figures of one round."""
        for name, figure in figures.items():
            self.seconds[name].append(figure)

    def median(self, name: str) -> float:
        """Return the median of one figure."""
        return statistics.median(self.seconds[name])

    def bounds(self) -> list[Bound]:
        """Return what must hold; ratios are medians of the rounds' own, as neighbours share the machine."""
        live = self._ratio("live", "imports")
        ready = self._ratio("ready", "bare")
        return [
            Bound("HTTP answers, in times of the import of its server", live, LIVE_LIMIT, is_floor=False),
            Bound("ready, in times of a bare script", ready, READY_LIMIT, is_floor=False),
        ]

    def _ratio(self, ours: str, theirs: str) -> float:
        pairs = zip(self.seconds[ours], self.seconds[theirs], strict=True)
        return statistics.median(mine / other for mine, other in pairs)

    def __str__(self) -> str:
        rows = [f"| {NAMES[name]} | {self.median(name):.3f} |" for name in NAMES]
        head = ["**Start, with the iris model**", "", "| | seconds |", "|---|---|"]
        return "\n".join([*head, *rows, "", *map(str, self.bounds())])

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"seconds": self.seconds, "bounds": as_json(self.bounds())}


def measure_start(setting: Setting, rounds: int) -> Start:
    """Return how long starts take."""
    file = setting.model / "model.pkl"
    start = Start()
    for number in range(rounds + 1):
        imports = duration_s(setting.server_python, "-I", "-c", "import fastapi, uvicorn, gunicorn")
        live, ready = lading_s(setting)
        bare = duration_s(setting.model_python, BARE, file)
        print(f"  start: {imports:.3f} {live:.3f} {bare:.3f} {ready:.3f} s", file=sys.stderr, flush=True)
        if number:  # the first round reads files into the page cache
            start.add(imports=imports, live=live, bare=bare, ready=ready)
    return start


def duration_s(*command: object) -> float:
    """Return how long a command runs."""
    began = time.perf_counter()
    run(*command)
    return time.perf_counter() - began


def lading_s(setting: Setting) -> tuple[float, float]:
    """Return how long it takes until HTTP answers, and until the model is ready."""
    port = free_port()
    party = lading(setting, port)
    began = time.perf_counter()
    with started(party) as process:
        wait(party, process, port, "/health")
        live_s = time.perf_counter() - began
        wait(party, process, port, "/ping")
        return live_s, time.perf_counter() - began
