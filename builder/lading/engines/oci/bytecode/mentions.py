"""Which modules the files of a model name, read without running or unpickling anything.

A pickle, a zip archive of JSON (skops), ``MLmodel`` and Python source have this in common: a module that is
imported when the model is loaded stands in it as plain text. So all files are searched for dotted names that
begin with a package of the environment. Too much is found rather than too little; nothing depends on it but
how much of the bytecode is there beforehand.
"""

import os
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from lading.folder import File, entries, opened

_HEAD_BYTES = 8 << 20
_TAIL_BYTES = 1 << 20
"""Of a large file: what describes arrays of numbers stands before or behind them."""

_PASSED_OVER = {"conda.yaml", "python_env.yaml", "requirements.txt"}
"""They name packages as installers do, those that the model never imports, too."""

_INNER = re.compile(rb"(?<!\x8c)[\w./]", re.DOTALL)
"""What stands before a part of another name, or of a path; in a pickle it may be the name's length."""

_GLOBAL = b"c"
"""The opcode before a module in pickles of protocol 0 to 3."""

_WORKER = re.compile(r"lading_runtime/worker/(\w+/)*\w+\.py")
_ALWAYS = ("numpy", "pandas")
"""What payloads become; most models never name them."""


def names_in(folder: Path, tops: Collection[str]) -> frozenset[str]:
    """Return the dotted names in the files of *folder* that begin with one of *tops*.

    Raises:
        InvalidModel: the folder has something that cannot be read, or cannot be in an image.
    """
    found: set[str] = set()
    pattern = _pattern(tops)
    for entry in entries(folder):
        if isinstance(entry, File) and entry.path not in _PASSED_OVER and entry.size_bytes:
            found.update(_names_of_file(entry, pattern))
    return frozenset(found)


def names_in_loaders(runtime: Path, tops: Collection[str], mentioned: Iterable[str]) -> frozenset[str]:
    """Return what the server's part in the model's process imports of the packages that the model mentions.

    Args:
        runtime: the runtime's wheel.
        tops: the packages of the environment.
        mentioned: names that the model's files have.
    """
    wanted = {name.partition(".")[0] for name in mentioned} | set(_ALWAYS)
    pattern = _pattern(wanted.intersection(tops))
    with zipfile.ZipFile(runtime) as archive:
        sources = [archive.read(name) for name in archive.namelist() if _WORKER.fullmatch(name)]
    return frozenset(name for source in sources for name in _names(source, pattern))


def _pattern(tops: Collection[str]) -> re.Pattern[bytes] | None:
    """Return what finds a name; None where there are no packages."""
    choices = b"|".join(re.escape(top).encode() for top in sorted(tops))
    # What stands before is looked at afterwards: a pattern that begins with choices is six times as quick.
    return re.compile(rb"(?:%b)(?:\.[A-Za-z_]\w*)*(?![\w/-])" % choices) if tops else None


def _names_of_file(file: File, pattern: re.Pattern[bytes] | None) -> Iterator[str]:
    with opened(file) as contents:
        start = contents.read(_HEAD_BYTES + _TAIL_BYTES)
        size_bytes = contents.seek(0, os.SEEK_END)
        if size_bytes <= len(start):
            yield from _names(start, pattern)
        else:
            yield from _names(start[:_HEAD_BYTES], pattern)
            contents.seek(size_bytes - _TAIL_BYTES)
            yield from _names(contents.read(_TAIL_BYTES), pattern)


def _names(content: bytes, pattern: re.Pattern[bytes] | None) -> Iterator[str]:
    if pattern is not None:
        for found in pattern.finditer(content):
            before = content[max(0, found.start() - 2) : found.start()]
            if before[-1:] == _GLOBAL or not _INNER.match(before, max(0, len(before) - 1)):
                yield found.group().decode()
