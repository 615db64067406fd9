"""Option lines of requirement files, such as ``--extra-index-url https://…``."""

import argparse
import shlex
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

from lading.capture.lines import Line


@dataclass(frozen=True, slots=True)
class Options:
    """What one line asks for; all empty where it asks for nothing."""

    requirement_files: tuple[str, ...]
    constraint_files: tuple[str, ...]
    editables: tuple[str, ...]
    index_url: str | None
    extra_index_urls: tuple[str, ...]
    find_links: tuple[str, ...]
    uses_index: bool
    trusted_hosts: tuple[str, ...]
    allows_prereleases: bool
    no_binary: tuple[str, ...]
    only_binary: tuple[str, ...]


class _UnknownOption(Exception):
    """What argparse could not make sense of."""


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise _UnknownOption(message)


def parse_options(line: Line) -> Options:
    """Return the options that *line*, which begins with a dash, gives.

    Raises:
        InvalidEnvironment: pip knows no such option in a requirement file, or a value is missing.
    """
    try:
        found = _parser().parse_args(shlex.split(line.text))
    except (_UnknownOption, ValueError) as error:
        raise line.problem("this option is not known", hint="correct or remove the line") from error
    return Options(
        requirement_files=tuple(found.requirement),
        constraint_files=tuple(found.constraint),
        editables=tuple(found.editable),
        index_url=found.index_url,
        extra_index_urls=tuple(found.extra_index_url),
        find_links=tuple(found.find_links),
        uses_index=not found.no_index,
        trusted_hosts=tuple(found.trusted_host),
        allows_prereleases=found.pre,
        no_binary=_names(found.no_binary),
        only_binary=_names(found.only_binary),
    )


def _names(values: list[str]) -> tuple[str, ...]:
    """Return the packages of comma-separated lists; ``:none:`` empties what was before it, as in pip."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    while ":none:" in names:
        names = names[names.index(":none:") + 1 :]
    return tuple(names)


@cache
def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for flags in (
        ("-r", "--requirement"),
        ("-c", "--constraint"),
        ("-e", "--editable"),
        ("--extra-index-url",),
        ("-f", "--find-links"),
        ("--trusted-host",),
        ("--no-binary",),
        ("--only-binary",),
        ("--use-feature",),
    ):
        parser.add_argument(*flags, action="append", default=[])
    parser.add_argument("-i", "--index-url", "--pypi-url", dest="index_url")
    # The last two and --use-feature tell pip how to work, not what to install: a lock's hashes are always
    # checked, and wheels are always preferred.
    for flag in ("--no-index", "--pre", "--require-hashes", "--prefer-binary"):
        parser.add_argument(flag, action="store_true")
    return parser
