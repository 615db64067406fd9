"""What a person sees on a terminal while a command works: a spinner for each step, a bar for each file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from lading import progress

_NAME_CHARACTERS = 32
"""Of a file, on a bar: the tags at the end of a wheel's name would leave no room for the bar itself."""


@contextmanager
def bars() -> Iterator[progress.Progress]:
    """Give bars on standard error."""
    console = Console(stderr=True)
    # Markup is off wherever text is not ours: "[/opt]" in the output of a build is no end of a style.
    what = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}", markup=False))
    detail = TextColumn("{task.fields[detail]}", style="dim", markup=False)
    steps = Progress(*what, TimeElapsedColumn(), detail, console=console)
    name = TextColumn("  {task.description}", markup=False)
    transfers = Progress(name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console)
    with Live(Group(steps, transfers), console=console, transient=False):
        yield Bars(steps, transfers)


class Bars:
    """A spinner for each step, a bar for each file that is being moved."""

    def __init__(self, steps: Progress, transfers: Progress) -> None:
        self._steps = steps
        self._transfers = transfers
        self._open: list[TaskID] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show the step; it keeps its time when it has succeeded."""
        task = self._steps.add_task(title, total=1, detail="")
        self._open.append(task)
        try:
            yield
            self._steps.update(task, completed=1, detail="")
        finally:
            self._open.remove(task)
            self._steps.stop_task(task)

    @contextmanager
    def transfer(self, name: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
        """Show a bar until the file has been moved."""
        short = name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"
        task = self._transfers.add_task(short, total=total_bytes)
        try:
            yield lambda count: self._transfers.advance(task, count)
        finally:
            self._transfers.remove_task(task)

    def line(self, text: str) -> None:
        """Show the line beside the step until the next one comes."""
        if self._open:
            self._steps.update(self._open[-1], detail=text.strip()[:60])
