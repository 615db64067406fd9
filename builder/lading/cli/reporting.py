"""How a command ends: one line on stderr for an error, and the exit code that stands for it."""

import functools
import logging
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, ParamSpec

import typer

from lading.cli.exit_codes import BUG, INTERRUPTED, exit_code
from lading.errors import LadingError

_Parameters = ParamSpec("_Parameters")


def reported(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Return *command* with its errors reported: a traceback only where its ``debug`` option is set."""

    @functools.wraps(command)
    def report(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        is_debugging = bool(kwargs.get("debug"))
        _configure_logging(logging.DEBUG if is_debugging else logging.WARNING)
        try:
            _interrupt_on_signals()
            command(*args, **kwargs)
        except KeyboardInterrupt as error:
            _end("interrupted", INTERRUPTED, error)
        except LadingError as error:
            _show_traceback(is_wanted=is_debugging)
            _end(str(error), exit_code(error), error)
        except Exception as error:  # a bug of ours also ends in one line
            if isinstance(error, typer.Exit | typer.Abort | typer.BadParameter):
                raise
            _show_traceback(is_wanted=is_debugging)
            _end(f"{type(error).__name__}: {error} (a bug; --debug shows where)", BUG, error)

    return report


class _Fields(logging.Formatter):
    """Writes an event and its fields on one line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in _USUAL}
        return " ".join(
            (f"lading: {record.getMessage()}", *(f"{name}={value}" for name, value in fields.items()))
        )


_USUAL = vars(logging.makeLogRecord({})).keys() | {"message", "taskName"}


def _configure_logging(level: int) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Fields())
    logging.getLogger("lading").addHandler(handler)
    logging.getLogger("lading").setLevel(level)


def _interrupt_on_signals() -> None:
    """Clean up on SIGTERM, which CI systems send, and when the terminal goes away, as on Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup asks for
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _show_traceback(*, is_wanted: bool) -> None:
    if is_wanted:
        traceback.print_exc()


def _end(message: str, code: int, error: BaseException) -> NoReturn:
    one_line = " ".join(message.split())
    print(f"lading: {one_line}", file=sys.stderr)  # noqa: T201 - the command line prints
    raise typer.Exit(code) from error
