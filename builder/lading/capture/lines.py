r"""The logical lines of requirement files, by pip's rules.

A backslash at the end joins a line with the next, ``#`` at the start or after a space begins a comment, and
``${NAME}`` is a variable of the environment (https://pip.pypa.io/en/stable/reference/requirements-file-format/).
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lading.errors import InvalidEnvironment

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_ENCODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""UTF-32 before UTF-16, whose little-endian mark begins the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line of a requirement file."""

    text: str
    """Stripped, without comment, variables filled in: may hold secrets."""

    place: str
    """Its file, relative to the model folder, and its number there: ``requirements.txt, line 3``."""

    written: str
    """As in the file, variables unfilled and credentials hidden: safe to show."""

    def problem(self, what: str, *, hint: str | None = None) -> InvalidEnvironment:
        """Return the error that names this line."""
        return InvalidEnvironment(f"{self.place}: {what}: {self.written!r}", hint=hint)


def logical_lines(text: str, place: str, variables: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines of *text* that say something.

    Args:
        text: the content of a file, or of a list in one.
        place: what errors call a line of it; its number is put behind.
        variables: for ``${NAME}``; one that is not there is left as it is, as pip does.
    """
    for number, joined in _joined(text.splitlines()):
        written = _COMMENT.sub("", joined).strip()
        if written:
            filled = _VARIABLE.sub(lambda name: variables.get(name[1], name[0]), written)
            yield Line(filled, f"{place} {number}", _CREDENTIALS.sub("***@", written))


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield each logical line with the number of its first physical one.

    A comment line ends a continued one, and never continues itself, whatever its last character
    (``pip._internal.req.req_file.join_lines``).
    """
    parts: list[str] = []
    first = 1
    for number, line in enumerate(lines, start=1):
        first = first if parts else number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        yield first, "".join([*parts, f" {line}" if is_comment else line])
        parts = []
    if parts:
        yield first, "".join(parts)


def decoded(path: Path) -> str:
    """Return a requirement file's text: by its byte order mark, its ``coding:`` comment, or UTF-8.

    Raises:
        InvalidEnvironment: the file cannot be read or decoded.
    """
    try:
        content = path.read_bytes()
        return content.decode(_encoding(content))
    except (OSError, UnicodeError, LookupError) as error:
        raise InvalidEnvironment(f"{path} cannot be read: {error}") from error


def _encoding(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return encoding
    for line in content.splitlines()[:2]:
        if match := _ENCODING.match(line):
            return match[1].decode("ascii")
    return "utf-8"
