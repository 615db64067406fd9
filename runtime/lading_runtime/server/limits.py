"""How much may wait for a model process, and how much of that goes to it at once."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class QueueLimits:
    """What may wait for the model process, and be in it."""

    max_rows: int
    """A request that cannot be grouped counts as one."""

    max_bytes: int
    """Of payloads."""


UNLIMITED = QueueLimits(sys.maxsize, sys.maxsize)


@dataclass(frozen=True)
class BatchLimits:
    """How far requests are grouped."""

    max_rows: int
    """Of a batch."""

    max_delay_s: float = 0.0
    """How long a request may wait for others while the model has nothing to do."""
