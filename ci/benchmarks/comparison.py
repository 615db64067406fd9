"""Figures of several servers side by side: a Markdown table, what must hold of them, and both as JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wrk import Load

OURS = "Lading"
CONNECTIONS = (1, 16, 64)
DIGITS_FROM = 100
"""From here on, what is behind the point says nothing."""


@dataclass(frozen=True)
class Bound:
    """What must hold of a figure."""

    what: str
    figure: float
    limit: float
    is_floor: bool
    """Whether the figure must be at least, not at most, *limit*."""

    @property
    def is_held(self) -> bool:
        """Whether it holds."""
        return self.figure >= self.limit if self.is_floor else self.figure <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.is_floor else "≤"
        verdict = "holds" if self.is_held else "MISSED"
        return f"- {self.what}: {self.figure:.3g} (bound {sign} {self.limit:.3g}): {verdict}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "is_held": self.is_held}


@dataclass
class Comparison:
    """Servers under the same load, round by round; figures are medians of the rounds."""

    title: str

    loads: dict[str, dict[int, list[Load]]] = field(default_factory=dict)
    """By server, then by the number of connections."""

    notes: list[str] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)

    def add(self, party: str, connections: int, load: Load) -> None:
        """Add the figures of one round."""
        self.loads.setdefault(party, {}).setdefault(connections, []).append(load)

    def median(self, party: str, connections: int, figure: str) -> float:
        """Return the median of one figure."""
        figures: list[float] = [getattr(load, figure) for load in self.loads[party][connections]]
        return statistics.median(figures)

    def ratio(self, figure: str, party: str, connections: int) -> float:
        """Return what a figure of ours is, in multiples of *party*'s."""
        return self.median(OURS, connections, figure) / self.median(party, connections, figure)

    def __str__(self) -> str:
        parts = " / ".join(map(str, CONNECTIONS))
        figures = "requests/s | p50, ms | p99, ms | processor, µs per request | Lading is"
        head = f"| {parts} connections | {figures} |"
        rows = [self._row(party) for party in self.loads]
        foot = [*(f"- {note}" for note in self.notes), *map(str, self.bounds)]
        return "\n".join([f"**{self.title}**", "", head, "|---|---|---|---|---|---|", *rows, "", *foot])

    def _row(self, party: str) -> str:
        figures = ("requests_per_s", "p50_ms", "p99_ms", "cpu_us")
        cells = [self._cell(party, figure) for figure in figures]
        if party == OURS or OURS not in self.loads:
            return f"| {party} | {' | '.join(cells)} | |"
        ratios = " / ".join(f"{short(self.ratio('requests_per_s', party, at))}x" for at in CONNECTIONS)
        return f"| {party} | {' | '.join(cells)} | {ratios} |"

    def _cell(self, party: str, figure: str) -> str:
        return " / ".join(short(self.median(party, at, figure)) for at in CONNECTIONS)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        loads = {
            party: {str(at): [asdict(load) for load in loads] for at, loads in by.items()}
            for party, by in self.loads.items()
        }
        return {"title": self.title, "loads": loads, "notes": self.notes, "bounds": as_json(self.bounds)}


def short(figure: float) -> str:
    """Return *figure* with as many digits as anybody reads."""
    return f"{figure:,.0f}" if figure >= DIGITS_FROM else f"{figure:.3g}"


def as_json(bounds: Sequence[Bound]) -> list[dict[str, Any]]:
    """Return bounds as JSON has them."""
    return [bound.as_json() for bound in bounds]
