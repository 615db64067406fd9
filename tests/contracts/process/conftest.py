"""The real process tree on loopback, with a model that does what its input says."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

MODEL = Path(__file__).with_name("model")
LISTENING = re.compile(r"Listening at: \w+://[\d.]+:(\d+)")
PATIENCE_S = 30.0

Starter = Callable[..., "ServerProcess"]


def children_of(pid: int) -> list[int]:
    """Return the children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that is only waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], Any]) -> Any:
    """Return what *condition* returns once it is true, which it becomes in another process."""
    until = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < until, "this has not become true in time"
        time.sleep(0.01)
    return value


class ServerProcess:
    """A running server, and what it has logged."""

    eventually = staticmethod(eventually)
    is_alive = staticmethod(is_alive)

    def __init__(self, folder: Path, environ: dict[str, str], *arguments: str, logs_to: str = "log") -> None:
        self._log = folder / logs_to
        said = {
            "PATH": os.environ["PATH"],
            "LADING_MODEL": str(folder / "model"),
            "LADING_MODEL_PYTHON": sys.executable,
            "LADING_HOST": "127.0.0.1",
            "PORT": "0",
            "MLFLOW_MODELS_WORKERS": "1",
            **environ,
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lading_runtime", *arguments],
                env={name: value for name, value in said.items() if value},
                stdout=log,
                stderr=log,
                cwd=folder,
            )

    @property
    def log(self) -> str:
        """Everything that was printed until now."""
        return self._log.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it listens."""
        found = eventually(lambda: LISTENING.search(self.log))
        return f"http://127.0.0.1:{found[1]}"

    def get(self, path: str) -> httpx.Response:
        """GET on a connection of its own."""
        return httpx.get(self.url + path, timeout=PATIENCE_S)

    def ask(self, prompt: str) -> httpx.Response:
        """Ask the model to do something, on a connection of its own."""
        return self.post({"prompt": prompt})

    def post(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Ask for a prediction, on a connection of its own."""
        return httpx.post(self.url + "/invocations", json=body, headers=headers, timeout=PATIENCE_S)

    def stream(self, prompt: str) -> AbstractContextManager[httpx.Response]:
        """Ask the model for a streamed answer, on a connection that ends with the context."""
        asked = {"prompt": prompt, "stream": True}
        return httpx.stream("POST", self.url + "/invocations", json=asked, timeout=PATIENCE_S)

    def pid_of_model(self) -> int:
        """Return the process that predicts."""
        return int(self.ask("pid").json())

    def until_ready(self) -> "ServerProcess":
        """Wait until a request would be answered."""
        eventually(lambda: self.is_answering() and self.get("/ping").status_code == 200)
        return self

    def is_answering(self) -> bool:
        """Tell whether there is HTTP."""
        try:
            return self.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def children(self) -> set[int]:
        """Return the processes below the master; more than one generation."""
        found: set[int] = set()
        new = {self.process.pid}
        while new:
            new = {child for parent in new for child in children_of(parent)} - found
            found |= new
        return found

    def workers(self) -> list[int]:
        """Return gunicorn's workers, which run the same program as the master."""
        own = Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        return [
            pid for pid in children_of(self.process.pid) if Path(f"/proc/{pid}/cmdline").read_bytes() == own
        ]

    def host(self) -> int:
        """Return the model host."""
        (host,) = set(children_of(self.process.pid)) - set(self.workers())
        return host

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask the server to end; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Return a function that starts a server; its keywords are environment variables."""
    started: list[ServerProcess] = []  # each logs to a file of its own
    shutil.copytree(MODEL, tmp_path / "model")

    def start_one(*arguments: str, **environ: str) -> ServerProcess:
        server = ServerProcess(
            tmp_path, environ, *arguments, logs_to=f"log-{len(started)}" if started else "log"
        )
        started.append(server)
        return server

    yield start_one
    for server in started:
        if server.process.poll() is None:
            below = server.children()
            server.process.kill()
            for pid in below:
                end(pid)
            server.process.wait(PATIENCE_S)


def end(pid: int) -> None:
    """Kill a process if it still runs."""
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def in_background() -> Iterator[Callable[..., Any]]:
    """Return a function that starts a call in a thread and returns its future."""
    with ThreadPoolExecutor(32) as threads:
        yield threads.submit
