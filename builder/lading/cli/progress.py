"""What a person sees while a command works: bars on a terminal, lines in a log. All of it on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import TextIO, assert_never

from lading import progress
from lading.cli.options import ProgressMode


def shown(mode: ProgressMode) -> AbstractContextManager[progress.Progress]:
    """Return a context that gives what *mode* asks for."""
    match mode:
        case ProgressMode.AUTO:
            return shown(ProgressMode.RICH if sys.stderr.isatty() else ProgressMode.PLAIN)
        case ProgressMode.RICH:
            shown_bars: AbstractContextManager[progress.Progress] = import_module("lading.cli.bars").bars()
            return shown_bars
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
