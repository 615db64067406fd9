"""Every line that the server logs, gunicorn's and uvicorn's too: one event, text or JSON, on stderr.

stderr, because stdout belongs to the model: what its code prints must not break a line of JSON in two.
The text of an exception is left out, only its type and frames are shown: it may repeat a payload.
"""

from __future__ import annotations

import logging
import re
import traceback
from datetime import datetime, timezone
from functools import lru_cache
from types import TracebackType
from typing import Any, Optional

import orjson
from gunicorn.config import Config
from gunicorn.glogging import Logger

from lading_runtime.server.correlation import CURRENT

QUIET = {"uvicorn": logging.WARNING, "asyncio": logging.WARNING}
"""Loggers that tell nothing of interest below a level; ``--log-level debug`` shows it all the same."""

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
"""What every record has; the rest are the fields of the event."""

FIELDS = "lading_fields"
"""An attribute of records that are made for every request: all the fields at once."""


PLAIN = re.compile(r"[!#-<>-~]+")
"""Printable ASCII without space, quote and equals sign."""


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z INFO [7] lading_runtime.access request status=200 …``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line; more only for a traceback."""
        head = f"{_time(record)} {record.levelname} [{record.process}] {record.name} {record.getMessage()}"
        fields = "".join(f" {name}={_word(value)}" for name, value in _fields(record).items())
        frames = f"\n{_frames(record.exc_info)}" if record.exc_info else ""
        return f"{head}{fields}{frames}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, pid, logger, message, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line."""
        line = {
            "time": _time(record),
            "level": record.levelname,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
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


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    own = record.__dict__.get(FIELDS)
    if own is None:
        own = {name: value for name, value in record.__dict__.items() if name not in STANDARD}
    correlation = CURRENT.get()
    return own if correlation is None else {**own, **correlation.fields()}


def _time(record: logging.LogRecord) -> str:
    second = int(record.created)
    return f"{_second(second)}.{int((record.created - second) * 1000):03d}Z"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _word(value: object) -> str:
    """Return *value* as one word: text with anything but plain characters in it is quoted."""
    if type(value) is int or type(value) is float:
        return repr(value)
    text = str(value)
    return text if PLAIN.fullmatch(text) else orjson.dumps(text).decode()


def _frames(info: ExceptionInfo) -> str:
    if info is None or info[0] is None:
        return ""
    return f"{''.join(traceback.format_tb(info[2]))}{info[0].__name__}"
