"""Versions of Debian packages, in the order of ``deb-version(7)``."""

import functools
import re
from dataclasses import dataclass
from typing import Self

_PARTS = re.compile(r"(\D*)(\d*)")


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class DebianVersion:
    """``[epoch:]upstream[-revision]``; ``str`` gives it as it was written.

    Equal ones may be written differently: ``1.0`` is ``1.0-0``.
    """

    text: str

    @property
    def _key(self) -> tuple[object, ...]:
        epoch, colon, rest = self.text.partition(":")
        if not colon:
            epoch, rest = "0", self.text
        upstream, dash, revision = rest.rpartition("-")
        if not dash:
            upstream, revision = rest, ""
        return int(epoch), _part_key(upstream), _part_key(revision)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DebianVersion) and self._key == other._key

    def __lt__(self, other: Self) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text


def _part_key(text: str) -> tuple[tuple[int, ...] | int, ...]:
    """Return what sorts as dpkg sorts *text*: stretches of other characters and numbers by turns."""
    parts = _PARTS.findall(text or "0")
    return tuple(key for other, number in parts for key in (_other_key(other), int(number or 0)))


def _other_key(text: str) -> tuple[int, ...]:
    """Return what sorts *text* as dpkg does: ``~`` before the end, letters before everything else."""
    return (*map(_weight, text), 0)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) + (0 if character.isalpha() else 256)
