"""A server process on this machine: run it until it ends, or just for one prediction."""

import json
import logging
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

import httpx

from lading.errors import PredictionRefused, ServeFailed

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_STOP_S = 10
_LOOPBACK = "127.0.0.1"
_WEEK_S = 7 * 24 * 3600

_ONE_PREDICTION = {
    "LADING_HOST": _LOOPBACK,
    "MLFLOW_MODELS_WORKERS": "1",
    "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(_WEEK_S),
    "LADING_LOAD_FAILURE_GRACE_S": "0",
    "LADING_DRAIN_DELAY_S": "0",
    "LADING_LOG_FORMAT": "json",
}
"""Nobody else waits for a server that predicts once: it has no deadline, and nothing to drain."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that can be started."""

    command: tuple[str, ...]

    environ: Mapping[str, str]
    """Which model it serves, and in which interpreter."""

    def run(self, settings: Mapping[str, str]) -> int:
        """Serve until the server ends; return its exit code.

        Ctrl-C reaches the server by itself, as it is in the same group of processes; SIGTERM is handed on.
        So does SIGHUP, but gunicorn takes it for "load anew": when the terminal goes away, we end the server.

        Args:
            settings: more variables, such as PORT.
        """
        server = subprocess.Popen(self.command, env={**os.environ, **settings, **self.environ})

        def end(_number: int, _frame: FrameType | None) -> None:
            server.terminate()

        signal.signal(signal.SIGTERM, end)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup asks for
            signal.signal(signal.SIGHUP, end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return server.wait()

    def predict(self, body: bytes, content_type: str) -> bytes:
        """Return the answer to one request.

        Raises:
            ServeFailed: the server does not start, or ends before it answers; with its last words.
            PredictionRefused: it answers with an error.
        """
        with tempfile.TemporaryFile() as log, self._started(log, len(body)) as (server, address):
            answer = _ask(address, server, log, body, content_type)
        if answer.status_code != httpx.codes.OK:
            raise PredictionRefused(_message(answer))
        return answer.content

    @contextmanager
    def _started(self, log: IO[bytes], body_bytes: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """Give the running server and its address; it is stopped afterwards."""
        port = str(_free_port())
        limits = {"PORT": port, "LADING_MAX_BODY_BYTES": str(max(body_bytes, 100 << 20))}
        environ = {**os.environ, **_ONE_PREDICTION, **limits, **self.environ}
        server = subprocess.Popen(self.command, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield server, f"http://{_LOOPBACK}:{port}"
        finally:
            server.terminate()
            try:
                server.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _ask(
    address: str, server: subprocess.Popen[bytes], log: IO[bytes], body: bytes, content_type: str
) -> httpx.Response:
    # No time is too long for a prediction that somebody waits for at a terminal.
    with httpx.Client(base_url=address, timeout=None, trust_env=False) as client:  # noqa: S113 - see above
        _wait(client, server, log)
        return client.post("/invocations", content=body, headers={"content-type": content_type})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(client: httpx.Client, server: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    """Return when the server can predict."""
    while not _is_ready(client):
        if server.poll() is not None:
            raise ServeFailed(f"the server ended: {_last_words(log)}", hint="--debug shows its whole log")
        time.sleep(_POLL_S)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _last_words(log: IO[bytes]) -> str:
    """Return why the server ended, or the last line of *log*; all of it goes to our own log."""
    log.seek(0)
    lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    logger.debug("server log", extra={"lines": lines})
    reasons = [reason for line in lines if (reason := _reason(line))]
    return (reasons or lines or ["it says nothing"])[-1]


def _reason(line: str) -> str | None:
    """Return the reason that an event of the server gives, if it gives one."""
    try:
        return str(json.loads(line)["reason"])
    except (ValueError, LookupError, TypeError):
        return None


def _message(answer: httpx.Response) -> str:
    """Return what an error's body says, or its status where it says nothing."""
    try:
        body = answer.json()
        return f"{body['error_code']}: {body['message']}"
    except (ValueError, LookupError, TypeError):
        return f"the server answers {answer.status_code}"
