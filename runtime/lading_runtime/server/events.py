"""What happens to model processes and batches, for whoever counts it."""

from __future__ import annotations

from typing import Protocol

ENDED, LIMITED = "it ended", "it has reached one of its limits"
LATE, UNENDING = "a prediction exceeded its deadline", "a stream did not end"
RESTART_REASONS = (ENDED, LIMITED, LATE, UNENDING)
"""Why a model process may be given up."""


class Events(Protocol):
    """Is told what happens; must be quick and must not raise."""

    def batch(self, requests: int, rows: int, reason: str) -> None:
        """The model process is given so many *requests*, or pieces of some; *reason* is why now."""

    def model_process_ready(self, pid: int) -> None:
        """A model process is there."""

    def model_process_replaced(self, reason: str) -> None:
        """A model process that was there is given up, for one of `RESTART_REASONS`."""


class Unheard:
    """Events that nobody counts."""

    def batch(self, requests: int, rows: int, reason: str) -> None:
        """Forget it."""

    def model_process_ready(self, pid: int) -> None:
        """Forget it."""

    def model_process_replaced(self, reason: str) -> None:
        """Forget it."""
