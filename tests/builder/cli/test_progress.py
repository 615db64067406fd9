"""What a person sees while a command works."""

import io
import sys
import time

import pytest
from lading.cli.bars import Bars
from lading.cli.options import ProgressMode
from lading.cli.progress import Lines, shown
from lading.progress import Silent


class Terminal(io.StringIO):
    """Somewhere that bars are drawn."""

    def isatty(self) -> bool:
        """Say that it is a terminal."""
        return True

    def wait_for(self, text: str) -> None:
        """Return when *text* has been drawn."""
        end = time.monotonic() + 60
        while text not in self.getvalue():
            assert time.monotonic() < end, f"{text!r} was not drawn"
            time.sleep(0.01)


def test_lines_say_when_a_step_begins_and_ends():
    """Each step has two lines, with its seconds; what happens in it is indented."""
    stream = io.StringIO()
    lines = Lines(stream, clock=iter([0.0, 1.25]).__next__)

    with lines.step("lock"):
        lines.line("hello")
        with lines.transfer("a.whl", 3_000_000) as moved:
            moved(1_000_000)
            moved(2_000_000)

    assert stream.getvalue() == "lock ...\n  hello\n  a.whl: 3.0 MB\nlock: 1.2 s\n"


def test_a_step_that_fails_does_not_end_like_one_that_did_not():
    """The second line comes only when the step has succeeded."""
    stream = io.StringIO()

    with pytest.raises(ValueError, match="no"), Lines(stream).step("lock"):
        raise ValueError("no")

    assert stream.getvalue() == "lock ...\n"


def test_bars_show_steps_on_a_terminal(monkeypatch):
    """On a terminal finished steps stay with their mark; stdout is left to results."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with shown(ProgressMode.RICH) as progress:
        assert isinstance(progress, Bars)
        with progress.step("lock"):
            progress.line("hello")
            with progress.transfer("a.whl", 10) as moved:
                moved(10)

    assert "✓" in stream.getvalue()
    assert "lock" in stream.getvalue()


def test_a_bar_fits_beside_the_longest_name(monkeypatch):
    """In 80 columns a wheel's bar, size and speed are on one line, whatever the wheel's name is."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    name = "scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
    with shown(ProgressMode.AUTO) as progress, progress.transfer(name, 20_000_000) as moved:
        moved(10_000_000)
        terminal.wait_for("10.0/20.0 MB")

    line = next(line for line in terminal.getvalue().splitlines() if "10.0/20.0 MB" in line)
    assert "scikit_learn-1.9.1" in line
    assert "━━" in line


def test_bars_show_text_as_it_is(monkeypatch):
    """Brackets in what an engine prints, or in a file's name, are no markup."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "200")
    with shown(ProgressMode.RICH) as progress, progress.step("build a[b]"):
        progress.line("cannot open [/opt/env]")
        with progress.transfer("weights[/x].bin", 10):
            progress.line("cannot open [/opt/env] again")

    assert "build a[b]" in stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind"), [(ProgressMode.AUTO, Lines), (ProgressMode.PLAIN, Lines), (ProgressMode.NONE, Silent)]
)
def test_a_mode_is_what_it_says(monkeypatch, mode, kind):
    """Where stderr is no terminal, `auto` is lines."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    with shown(mode) as progress:
        assert isinstance(progress, kind)
