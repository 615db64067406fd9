"""The lines of JSON that the engine's API streams while it builds, pulls and pushes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lading.progress import Progress

_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_STEP_IMAGE = re.compile(r"^-+> ([0-9a-f]{11,64})$")
_RESULT = re.compile(r"^(?:Successfully built )?([0-9a-f]{12,64})$")


class StreamFailed(Exception):
    """The engine reported an error in the middle of a stream; its text is the message."""


def follow(events: Iterable[Mapping[str, Any]], progress: Progress) -> Iterator[Mapping[str, Any]]:
    """Give each event, after telling *progress* the lines that the engine printed.

    Raises:
        StreamFailed: the engine reports an error.
    """
    for event in events:
        if "error" in event:
            raise StreamFailed(str(event["error"]).strip())
        for line in _TERMINAL.sub("", str(event.get("stream", ""))).splitlines():
            if line.strip():
                progress.line(line.rstrip())
        yield event


@dataclass(slots=True)
class BuildOutput:
    """What a build's stream says about the images that it makes."""

    image: str | None = None
    """The id of the last one, which is the result."""

    steps: list[str] = field(default_factory=list)
    """Ids of the images of single steps, oldest first."""

    def read(self, event: Mapping[str, Any]) -> None:
        """Take what *event* tells."""
        aux = event.get("aux")
        if isinstance(aux, Mapping) and "ID" in aux:
            self.image = str(aux["ID"]).removeprefix("sha256:")
        for line in str(event.get("stream", "")).splitlines():
            if match := _STEP_IMAGE.match(line.strip()):
                self.steps.append(match[1])
            elif match := _RESULT.match(line.strip()):
                self.image = self.image or match[1]


_DISK_FULL = ("no space left on device", "disk quota exceeded")


def explain(text: str, default: str | None) -> str | None:
    """Return what the user can do about an engine's message, *default* where it is no known one."""
    if any(sign in text.lower() for sign in _DISK_FULL):
        return "the engine's disk is full; free some with: docker image prune"
    return default


def first_line(error: Exception) -> str:
    """Return an engine's message without the lines that explain the API around it."""
    text = str(getattr(error, "explanation", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
