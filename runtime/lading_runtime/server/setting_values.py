"""How the values of settings are written; what cannot be read is a ValueError that says what was expected."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

BOOLEANS = {
    **dict.fromkeys(("1", "true", "on", "yes"), True),
    **dict.fromkeys(("0", "false", "off", "no"), False),
}

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*((?:[kmgt]i?)?)b?", re.IGNORECASE)
UNITS = {
    "": 1,
    **{unit: 1000 ** (power + 1) for power, unit in enumerate("kmgt")},
    **{unit + "i": 1024 ** (power + 1) for power, unit in enumerate("kmgt")},
}
"""As Kubernetes writes quantities: k is 1000, Ki is 1024; without regard to case."""

MAX_SIZE = 1 << 62
"""No machine has as much, and it fits wherever a number is sent."""


def count(text: str) -> int:
    """Return a whole number above zero."""
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("expected a whole number above zero")
    return int(text)


def size_bytes(text: str) -> int:
    """Return a number of bytes, which may have a unit."""
    found = SIZE.fullmatch(text.strip())
    size = float("inf") if found is None else float(found[1]) * UNITS[found[2].lower()]
    if size > MAX_SIZE:
        raise ValueError("expected a number of bytes, such as 800M or 2Gi")
    return int(size)


def seconds(text: str) -> float:
    """Return a number of seconds."""
    try:
        value_s = float(text)
    except ValueError:
        value_s = -1.0
    if not 0 <= value_s < float("inf"):
        raise ValueError("expected a number of seconds")
    return value_s


def milliseconds_as_s(text: str) -> float:
    """Return a number of milliseconds, in seconds."""
    try:
        return seconds(text) / 1000
    except ValueError:
        raise ValueError("expected a number of milliseconds") from None


def positive_seconds(text: str) -> float:
    """Return a number of seconds above zero."""
    value_s = seconds(text)
    if value_s == 0:
        raise ValueError("expected a number of seconds above zero")
    return value_s


def boolean(text: str) -> bool:
    """Return whether something is on."""
    if text.lower() not in BOOLEANS:
        raise ValueError("expected on or off")
    return BOOLEANS[text.lower()]


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """Return what reads one of *words*."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected {' or '.join(words)}")
        return text

    return read


def folder(text: str) -> Path:
    """Return a folder, which must be there."""
    if not Path(text).is_dir():
        raise ValueError("expected a folder")
    return Path(text)


def program(text: str) -> Path:
    """Return an interpreter, which must be there."""
    if not os.access(text, os.X_OK) or not Path(text).is_file():
        raise ValueError("expected a Python interpreter")
    return Path(text)
