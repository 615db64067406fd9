"""What /proc says of a process and all that it has started."""

import os
import re
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return *pid* and every process below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(below for child in children for below in descendants(int(child)))]


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process and all below it, in millions of bytes."""
    total_kb = 0
    for process in descendants(pid):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        total_kb += int(re.search(r"(?m)^Pss:\s+(\d+)", rollup)[1])  # type: ignore[index]
    return total_kb * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """Return the processor time that a process and all below it have had, in seconds."""
    ticks = 0
    for process in descendants(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
