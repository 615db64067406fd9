"""What a person sees while a command works: bars on a terminal, lines in a log. All of it on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO, assert_never

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
from lading.cli.options import ProgressMode

_NAME_CHARACTERS = 32
"""Of a file, on a bar: the tags at the end of a wheel's name would leave no room for the bar itself."""


def shown(mode: ProgressMode) -> AbstractContextManager[progress.Progress]:
    """Return a context that gives what *mode* asks for."""
    match mode:
        case ProgressMode.AUTO:
            return shown(ProgressMode.RICH if sys.stderr.isatty() else ProgressMode.PLAIN)
        case ProgressMode.RICH:
            return _bars()
        case ProgressMode.PLAIN:
            return nullcontext(Lines(sys.stderr))
        case ProgressMode.NONE:
            return nullcontext(progress.Silent())
        case _:
            assert_never(mode)


class Lines:
    """One line when a step begins and one when it ends, for logs."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.perf_counter) -> None:
        self._stream = stream
        self._clock = clock

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell when the step begins, and how long it took when it has succeeded."""
        start = self._clock()
        self._print(f"{title} ...")
        yield
        self._print(f"{title}: {self._clock() - start:.1f} s")

    @contextmanager
    def transfer(self, name: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
        """Tell a file's size when it has been moved."""
        moved = [0]

        def add(count: int) -> None:
            moved[0] += count

        yield add
        self._print(f"  {name}: {(moved[0] or total_bytes or 0) / 1e6:.1f} MB")

    def line(self, text: str) -> None:
        """Tell the line, indented."""
        self._print(f"  {text}")

    def _print(self, text: str) -> None:
        self._stream.write(f"{text}\n")  # in one go: transfers run in threads
        self._stream.flush()


@contextmanager
def _bars() -> Iterator[progress.Progress]:
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
