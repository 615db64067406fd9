"""rattler, asked in a process of its own (see `lading.conda.rattler_program`)."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from lading.errors import InvalidEnvironment, PackageIndexError

_PROGRAM = "lading.conda.rattler_program"


class RattlerFailed(Exception):
    """rattler ended with an error: its class there, and what it said."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Rattler:
    """Answers questions about conda packages."""

    is_offline: bool = False
    """Ask no other machine."""

    program: tuple[str, ...] = (sys.executable, "-P", "-m", _PROGRAM)

    def ask(
        self, verb: str, question: Mapping[str, Any], fetched: Callable[[str], None] = lambda _: None
    ) -> Any:
        """Return the answer to *question*.

        Args:
            verb: which function of the program answers.
            question: of values that JSON has; it is handed over on standard input, where nobody else sees
                the credentials in it.
            fetched: told the path of each file that is complete.

        Raises:
            InvalidEnvironment: rattler is not installed.
            PackageIndexError: it needs another machine, and none is asked.
            RattlerFailed: rattler cannot do it.
        """
        _require_rattler()
        if self.is_offline:
            _require_local([*question.get("channels", ()), *(url for url, _ in question.get("files", ()))])
        with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as said:
            json.dump({**question, "verb": verb}, asked)
            asked.seek(0)
            process = subprocess.Popen(
                self.program, stdin=asked, stdout=subprocess.PIPE, stderr=said, text=True
            )
            with process:
                for message in _messages(process):
                    if "fetched" not in message:
                        return _value(message)
                    fetched(message["fetched"])
            said.seek(0)
            raise RattlerFailed("Crash", said.read().strip() or "it ended without an answer")


def _require_rattler() -> None:
    if find_spec("rattler") is None:
        raise InvalidEnvironment(
            "the model needs packages of conda",
            hint="run `pip install 'lading[conda]'`, or leave them out with --env-manager virtualenv",
        )


def _require_local(urls: Iterable[str]) -> None:
    for url in urls:
        if not url.startswith("file:"):
            raise PackageIndexError(
                f"the channel at {urlsplit(url).netloc.rpartition('@')[2]} is not asked while offline",
                hint="build once without --offline",
            )


def _messages(process: subprocess.Popen[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what the program tells; it ends with whoever listens."""
    try:
        yield from map(json.loads, process.stdout or ())
    finally:
        process.kill()


def _value(message: Mapping[str, Any]) -> Any:
    if "error" in message:
        raise RattlerFailed(message["error"], message["message"])
    return message["answer"]
