"""An event loop on which time passes only where there is nothing to do, and then at once."""

import asyncio
import selectors
from typing import Any


class Skipping(selectors.SelectSelector):
    """A selector that does not wait: where there is nothing to do, it is later at once."""

    now = 0.0

    def select(self, timeout=None):
        """Return what is there."""
        found = super().select(0)
        if not found:
            self.now += timeout or 0
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    def __init__(self):
        self.clock = Skipping()
        self.errors: list[dict[str, Any]] = []
        super().__init__(self.clock)
        self.set_exception_handler(lambda _loop, context: self.errors.append(context))

    def time(self):
        """Return the time."""
        return self.clock.now
