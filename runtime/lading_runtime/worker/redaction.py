"""Texts of errors without the values of the payload, which end up in logs and in clients' hands."""

from __future__ import annotations

import itertools
import re
from typing import Any, Iterator

MAX_VALUES = 100_000
"""A payload with more is not searched for: texts about it are withheld altogether."""

MAX_CHARACTERS = 1 << 14
"""A longer text, too: to search it takes longer than a client waits."""

MIN_TELLING_LENGTH = 5
"""Shorter values are replaced only in quotes: a 3 or an "a" is found in every text."""

PREFIX_LENGTH = 16
"""Libraries shorten long values; so much of the beginning or the end gives one away."""

MARK = "\N{HORIZONTAL ELLIPSIS}"
WITHHELD = "(the text is withheld, because it may repeat values of the payload)"

QUOTED = re.compile(r"""(?<=['"])[^'"\\\n]*(?=\\?['"])""")
"""What stands between two quotes, also if these are quoted themselves; they may belong to different texts."""

PYDANTIC_INPUT = re.compile(r"input_value=.*?, input_type=", re.DOTALL)


class Redactor:
    """Takes the values of one payload out of texts."""

    def __init__(self, *data: Any) -> None:
        self._data = data
        self._values: set[str] | None = None

    def __call__(self, text: str) -> str:
        """Return *text* with an ellipsis for each value of the payload in it."""
        values = self._all_values()
        if len(values) > MAX_VALUES or len(text) > MAX_CHARACTERS:
            return WITHHELD
        text = PYDANTIC_INPUT.sub(f"input_value={MARK}, input_type=", text)
        telling = {part for value in values for part in telling_parts(value) if part in text}
        for part in sorted(telling, key=len, reverse=True):
            text = text.replace(part, MARK)
        return QUOTED.sub(lambda match: MARK if match.group() in values else match.group(), text)

    def _all_values(self) -> set[str]:
        if self._values is None:
            self._values = {
                text
                for value in itertools.islice(scalars(self._data), MAX_VALUES + 1)
                for text in texts(value)
            }
        return self._values


def scalars(data: Any) -> Iterator[Any]:
    """Yield every text, number, time or run of bytes in *data*; names of columns and keys are none."""
    if isinstance(data, dict):
        data = list(data.values())
    elif hasattr(data, "itertuples"):
        data = data.itertuples(index=False, name=None)
    elif hasattr(data, "tolist"):
        data = data.tolist()
    if isinstance(data, (list, tuple)) or hasattr(data, "__next__"):
        for item in data:
            yield from scalars(item)
    elif data is not None and not isinstance(data, bool):
        yield data


def texts(value: Any) -> Iterator[str]:
    """Yield how *value* may be written in a text."""
    yield str(value)
    if isinstance(value, bytes):
        yield value.decode("utf-8", "replace")


def telling_parts(value: str) -> list[str]:
    """Return the parts of *value* that give it away, however they are quoted."""
    if len(value) < MIN_TELLING_LENGTH:
        return []
    return [value, value[:PREFIX_LENGTH], value[-PREFIX_LENGTH:]] if len(value) > PREFIX_LENGTH else [value]
