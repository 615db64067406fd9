"""JSON text to values, fast and forgiving where MLflow is forgiving."""

from __future__ import annotations

import json
from typing import Any

import orjson

from lading_runtime.errors import MalformedBody

LONG_INTEGER = b" " + b"d" * 19
"""What an integer that may not fit 64 bits looks like after `CLASSES`."""

DIGITS = b"0123456789"
CLASSES = bytes(ord("d") if code in DIGITS else code if code in b'."' else ord(" ") for code in range(256))
"""Keeps what tells an integer from a fraction and from a text; all else is space."""


def read_json(body: bytes, *, is_exact: bool) -> Any:
    """Return the value that *body* says; of equal keys the last one wins.

    Two parsers: orjson for speed, the standard library's for what orjson refuses (NaN, Infinity, a
    byte order mark, lone surrogates, UTF-16) and for what it changes (integers beyond 64 bits become
    floats), which matters only if *is_exact*.

    Raises:
        MalformedBody: it is no JSON, or nested too deep.
    """
    if is_exact and has_long_integer(body):
        return _read_slowly(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_slowly(body)


def has_long_integer(body: bytes) -> bool:
    """Tell whether *body* may hold an integer of 19 digits or more."""
    return LONG_INTEGER in b" " + body.translate(CLASSES)


def _read_slowly(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise MalformedBody(f"the body is not valid JSON: {error}") from error
    except ValueError as error:  # UnicodeDecodeError, or an integer of more digits than Python reads
        raise MalformedBody("the body is not valid JSON in UTF-8") from error
    except RecursionError as error:
        raise MalformedBody("the body is nested too deep") from error
