"""One server under test: how it is started and asked, and that it is gone afterwards."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import FOLDER

READY_LIMIT_S = 120
STOP_S = 30
OK = 200


@dataclass(frozen=True)
class Question:
    """A request, and where its answer says what the model predicts."""

    body: Mapping[str, Any]
    path: str = "/invocations"

    prediction: Sequence[str | int] = ("predictions", 0)
    """The keys and indices that lead to the first row's."""


@dataclass(frozen=True)
class Party:
    """One server under test."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]

    ready: str = "/ping"
    """The path that answers with 200 from the moment when it can predict."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def status(port: int, path: str) -> int | None:
    """Return the status of the answer to a GET, or None without an answer. Costs next to nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            return int(client.makefile("rb").readline().split()[1])
    except (OSError, IndexError):
        return None


@contextlib.contextmanager
def running(party: Party, port: int) -> Iterator[tuple[int, float]]:
    """Run a server; give its process id and the seconds until it was ready. It is stopped at the end."""
    start = time.perf_counter()
    with started(party) as process:
        wait(party, process, port, party.ready, READY_LIMIT_S)
        yield process.pid, time.perf_counter() - start


@contextlib.contextmanager
def started(party: Party) -> Iterator[subprocess.Popen[bytes]]:
    """Give the process of a server that has just been started; it is stopped at the end."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with log_of(party).open("w") as log:
        process = subprocess.Popen(
            party.command, env=os.environ | dict(party.env), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it has started; some leave processes behind that go on answering."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait(
    party: Party, process: subprocess.Popen[bytes], port: int, path: str, limit_s: float = READY_LIMIT_S
) -> None:
    """Return when *path* answers with 200."""
    give_up_at = time.perf_counter() + limit_s
    while status(port, path) != OK:
        if process.poll() is not None or time.perf_counter() > give_up_at:
            sys.exit(f"{party.name} did not start:\n{log_of(party).read_text()[-4000:]}")
        time.sleep(0.002)


def log_of(party: Party) -> Path:
    """Return the file that the server's output goes to."""
    return FOLDER / f"{party.name}.log"


def predicted(question: Question, port: int) -> Any:
    """Return what the server on *port* predicts for the first row."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{question.path}",
        json.dumps(question.body).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{request.full_url} answered {error.code}: {error.read()[-2000:]!r}")
    for step in question.prediction:
        answer = answer[step]
    return answer
