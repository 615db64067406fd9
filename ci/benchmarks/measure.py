"""What the benchmarks share: a trained model, timed commands, and a table of medians and ratios."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".cache" / "bench"
MLFLOW_PYTHON = Path(os.environ["LADING_BENCH_MLFLOW_PYTHON"])


def run(*command: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; a failure ends the benchmark and shows it."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def seconds(action: Callable[[], object]) -> float:
    """Return how long *action* takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def peak_mb(*command: object) -> float:
    """Run a command to its end; return the most memory that it has had, in millions of bytes."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(words)} failed")
    return usage.ru_maxrss * 1024 / 1e6


def trained_model() -> Path:
    """Return a copy of the documentation's iris model, logged by the real MLflow; made once."""
    folder = FOLDER / "training"
    if not (folder / "model-uri").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(MLFLOW_PYTHON, REPOSITORY / "ci" / "demo_train.py", cwd=folder)
    (source,) = folder.glob("mlruns/*/models/*/artifacts")
    model = FOLDER / "model"
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(source, model)
    return model


RATES = ("requests/s", "rows/s")
"""Rows that begin so are better when higher; all others are better when lower."""


@dataclass
class Table:
    """Figures of two parties, round by round, printed as medians side by side."""

    title: str
    ours: str = "Lading"
    theirs: str = "MLflow"

    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By row, then by party."""

    def add(self, row: str, party: str, figure: float) -> None:
        """Add the figure of one round."""
        self.figures.setdefault(row, {}).setdefault(party, []).append(figure)
        print(f"  {row}: {party} {figure:.4g}", file=sys.stderr, flush=True)

    def repeat(self, row: str, of: str, party: str) -> None:
        """Set another row's figures of *party* beside those of *row*."""
        self.figures.setdefault(row, {})[party] = self.figures[of][party]

    def __str__(self) -> str:
        width = max(len(name) for name in self.figures)
        lines = [self.title, "", f"{'':{width}} {self.theirs:>12} {self.ours:>12} {'better by':>9}"]
        return "\n".join([*lines, *(self._row(name.ljust(width), by) for name, by in self.figures.items())])

    def _row(self, name: str, by_party: Mapping[str, Sequence[float]]) -> str:
        theirs, ours = (
            statistics.median(by_party.get(party, [float("nan")])) for party in (self.theirs, self.ours)
        )
        rounds = max(len(figures) for figures in by_party.values())
        better, worse = (ours, theirs) if name.startswith(RATES) else (theirs, ours)
        ratio = better / worse if worse else float("nan")
        return f"{name} {theirs:12.4g} {ours:12.4g} {ratio:8.2f}x   (medians of {rounds})"
