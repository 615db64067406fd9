"""How the steps of a build tell what they are doing, without knowing whether anyone looks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
