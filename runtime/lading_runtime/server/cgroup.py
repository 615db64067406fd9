"""How much processor and memory this process may use: what the cgroup says, not what the host has.

Version 2 has ``cpu.max`` and ``memory.max`` in one tree, version 1 a tree per controller. Inside a
container the path in ``/proc/self/cgroup`` is that of the host or of a namespace; limits may stand at
any ancestor. So every folder from there up to the mount is looked at, and the tightest limit counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")

PAIR_BYTES = 256 << 20
"""Memory that a pair of HTTP worker and model process is reckoned with, when their number is chosen."""


@dataclass(frozen=True)
class Limits:
    """What this process may use."""

    cpus: float
    """Never more than the processors that it may run on."""

    memory_bytes: int | None
    """None: no limit."""

    @property
    def pairs(self) -> int:
        """How many pairs of HTTP worker and model process make use of that, at least one."""
        by_memory = self.cpus if self.memory_bytes is None else self.memory_bytes // PAIR_BYTES
        return max(1, int(min(self.cpus, by_memory)))


def read_limits(root: Path = ROOT) -> Limits:
    """Return the limits of this process; *root* is where ``proc`` and ``sys`` are."""
    processors = len(os.sched_getaffinity(0))
    quota = _tightest(root, "cpu", {"cpu.max": _cpu_max, "cpu.cfs_quota_us": _cfs_quota})
    memory = _tightest(root, "memory", {"memory.max": _number, "memory.limit_in_bytes": _number})
    return Limits(
        cpus=processors if quota is None else min(quota, processors),
        # Version 1 writes "no limit" as the largest multiple of a page below 2^63.
        memory_bytes=None if memory is None or memory >= 1 << 60 else int(memory),
    )


Reader = Callable[[Path], "float | None"]


def _tightest(root: Path, controller: str, readers: dict[str, Reader]) -> float | None:
    values = (
        reader(folder / name)
        for folder in _folders(root, controller)
        for name, reader in readers.items()
        if (folder / name).is_file()
    )
    return min((value for value in values if value is not None), default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's cgroup and of its ancestors."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if controllers else "")
        below = PurePosixPath(path).relative_to("/")
        yield from (mount / folder for folder in (below, *below.parents))


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _number(file: Path) -> float | None:
    words = _words(file)
    return int(words[0]) if words and words[0].isdigit() else None


def _cpu_max(file: Path) -> float | None:
    words = _words(file)
    return int(words[0]) / int(words[1]) if words and words[0] != "max" else None


def _cfs_quota(file: Path) -> float | None:
    quota, period = _number(file), _number(file.with_name("cpu.cfs_period_us"))
    return quota / period if quota and period else None
