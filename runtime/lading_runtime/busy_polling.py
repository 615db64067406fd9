"""When to look again and again for what is waited for, instead of to sleep until it comes.

Who sleeps must be woken up, by a processor that first has to wake up itself and to fill its caches anew. A
request to an idle server needs that four times; a small model predicts in less. So server and model process
do for each other what Linux does for its network devices (``net.core.busy_poll``), where experience says
that it will not be for long.
"""

from __future__ import annotations

NEWS = 0.25
"""The share of the last wait in what counts as usual."""


class Wait:
    """Something that is waited for again and again, and how long that usually takes."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        """For how long it may be looked for; 0: never."""
        self._usual_s = 2 * limit_s

    @property
    def is_short(self) -> bool:
        """Whether it usually comes while it is looked for."""
        return self._usual_s < self.limit_s

    def note(self, waited_s: float) -> None:
        """Learn how long it took; a single pause is soon forgotten, however long it was."""
        self._usual_s += NEWS * (min(waited_s, 2 * self.limit_s) - self._usual_s)
