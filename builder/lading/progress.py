"""How the steps of a build tell what they are doing, without knowing whether anyone looks."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Who is told; only ``cli`` has implementations that print."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """Return a context for one step of the story, such as "lock the environment"."""
        ...

    def transfer(self, name: str, total_bytes: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Return a context for moving one file; the function it gives takes bytes moved since."""
        ...

    def line(self, text: str) -> None:
        """Tell a line that an engine or a tool printed."""
        ...


class Silent:
    """Tells nobody."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:  # noqa: ARG002 - nobody is told
        """Do nothing."""
        yield

    @contextmanager
    def transfer(self, name: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - nobody is told
        """Do nothing."""
        yield lambda _: None

    def line(self, text: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Hands everything on, and measures the steps."""

    progress: Progress
    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each step took, in the order in which they ended; a step inside a step is part of both."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Measure one step; a title that comes again is added to."""
        start = self.clock()
        try:
            with self.progress.step(title):
                yield
        finally:
            self.seconds[title] = self.seconds.get(title, 0.0) + self.clock() - start

    def transfer(self, name: str, total_bytes: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Hand it on."""
        return self.progress.transfer(name, total_bytes)

    def line(self, text: str) -> None:
        """Hand it on."""
        self.progress.line(text)
