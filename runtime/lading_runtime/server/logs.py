"""Every line that the server logs, gunicorn's and uvicorn's too: one event, text or JSON, on stderr.

stderr, because stdout belongs to the model: what its code prints must not break a line of JSON in two.
The text of an exception is left out, only its type and frames are shown: it may repeat a payload.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from types import TracebackType
from typing import Any, Optional, Protocol

import orjson
from gunicorn.config import Config
from gunicorn.glogging import Logger

from lading_runtime.server.correlation import CURRENT

QUIET = {"uvicorn": logging.WARNING, "asyncio": logging.WARNING}
"""Loggers that tell nothing of interest below a level; ``--log-level debug`` shows it all the same."""

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
"""What every record has; the rest are the fields of the event."""

EVENTS = "lading_events"
"""An attribute of a record that stands for several events, which are alike but for their times and fields."""


class Event(Protocol):
    """What a line says beside logger, level and message."""

    @property
    def time_s(self) -> float:
        """Since 1970."""

    def fields(self) -> dict[str, Any]:
        """Return names and values."""

    def words(self) -> str:
        """Return the same as words, with a space before each."""


@dataclass(frozen=True)
class Logged:
    """The event of a record."""

    time_s: float
    named: dict[str, Any]

    def fields(self) -> dict[str, Any]:
        """Return names and values."""
        return self.named

    def words(self) -> str:
        """Return the same as words, with a space before each."""
        return words_of(self.named)


PLAIN = re.compile(r"[!#-<>-~]+")
"""Printable ASCII without space, quote and equals sign."""


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z INFO [7] lading_runtime.access request status=200 …``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as a line for each of its events; more only for a traceback."""
        head = f"{record.levelname} [{record.process}] {record.name} {record.getMessage()}"
        lines = "\n".join([f"{_time(event.time_s)} {head}{event.words()}" for event in _events(record)])
        frames = f"\n{_frames(record.exc_info)}" if record.exc_info else ""
        return f"{lines}{frames}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, pid, logger, message, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as a line for each of its events."""
        return "\n".join([_json(record, event) for event in _events(record)])


def _json(record: logging.LogRecord, event: Event) -> str:
    line = {
        "time": _time(event.time_s),
        "level": record.levelname,
        "pid": record.process,
        "logger": record.name,
        "message": record.getMessage(),
        **event.fields(),
    }
    if record.exc_info:
        line["exception"] = _frames(record.exc_info)
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}

ExceptionInfo = Optional[
    "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
]


def logger_class(log_format: str) -> type[Logger]:
    """Return gunicorn's logger, with our format, for everybody's lines."""

    class ServerLogger(Logger):
        """Sets up all loggers when gunicorn sets up its own; honours its options for files and levels."""

        def setup(self, cfg: Config) -> None:
            super().setup(cfg)
            handlers = self.error_log.handlers
            for handler in (*handlers, *self.access_log.handlers):
                handler.setFormatter(FORMATTERS[log_format]())
            _share(handlers, self.access_log.handlers or handlers, self.loglevel)

    return ServerLogger


def _share(handlers: list[logging.Handler], access_handlers: list[logging.Handler], level: int) -> None:
    """Give *handlers* to all loggers that are not gunicorn's own."""
    # What no line shows need not be found out for each.
    logging.logThreads = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = list(handlers)
    root.setLevel(level)
    access = logging.getLogger("lading_runtime.access")
    access.handlers, access.propagate = list(access_handlers), False
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, least))


def _events(record: logging.LogRecord) -> Sequence[Event]:
    """Return what *record* stands for; most stand for one event of the request that is being answered."""
    events: Sequence[Event] | None = record.__dict__.get(EVENTS)
    if events is not None:
        return events
    fields = {name: value for name, value in record.__dict__.items() if name not in STANDARD}
    correlation = CURRENT.get()
    return [Logged(record.created, fields if correlation is None else {**fields, **correlation.fields()})]


def _time(moment: float) -> str:
    return _millisecond(int(moment * 1000))


@lru_cache(maxsize=16)
def _millisecond(moment_ms: int) -> str:
    """Lines that are logged together share a few."""
    second, ms = divmod(moment_ms, 1000)
    return f"{_second(second)}.{ms:03d}Z"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def words_of(fields: Mapping[str, Any]) -> str:
    """Return *fields* as words, with a space before each."""
    return "".join([f" {name}={word(value)}" for name, value in fields.items()])


@lru_cache(maxsize=256)
def path_word(path: str) -> str:
    """Return *path* as one word; most requests have the same few."""
    return word(path)


def word(value: object) -> str:
    """Return *value* as one word: text with anything but plain characters in it is quoted."""
    text = str(value)
    return text if PLAIN.fullmatch(text) else orjson.dumps(text).decode()


def _frames(info: ExceptionInfo) -> str:
    if info is None or info[0] is None:
        return ""
    return f"{''.join(traceback.format_tb(info[2]))}{info[0].__name__}"
