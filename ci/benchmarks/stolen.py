"""Processor time that a virtual machine wanted and its host gave to others: it makes a run worth nothing."""

from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
STEAL = 7
"""Where ``steal`` stands in its first line (proc_stat(5)); ``idle`` and ``iowait`` were not wanted."""
NOT_WANTED = (3, 4)
GUEST = 8
"""From here on, what counts as ``user`` already."""


@dataclass(frozen=True)
class Wanted:
    """Processor time since the start of the machine, in ticks."""

    ticks: int
    stolen_ticks: int

    @classmethod
    def read(cls) -> "Wanted":
        """Return it until now."""
        line, _, _ = STAT.read_text().partition("\n")
        ticks = [int(word) for word in line.split()[1 : 1 + GUEST]]
        wanted = sum(count for place, count in enumerate(ticks) if place not in NOT_WANTED)
        return cls(wanted, ticks[STEAL])

    def stolen_since(self, before: "Wanted") -> float:
        """Return which share of what was wanted since then others had, 0 to 1."""
        return (self.stolen_ticks - before.stolen_ticks) / max(1, self.ticks - before.ticks)
