"""The real process tree on loopback, with a model that does what its input says."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import ssl
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
PATIENCE_S = 60.0
"""For what must happen; a busy machine may not come to it for a long time."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: httpx reads all certificates of the machine for each request that is given none."""

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


def processor_s(pid: int) -> float:
    """Return how many seconds a process has computed, itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def eventually(condition: Callable[[], Any]) -> Any:
    """Return what *condition* returns once it is true, which it becomes in another process."""
    until = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < until, "this has not become true in time"
        time.sleep(0.01)
    return value


def program_of(pid: int) -> bytes:
    """Return the command line of a process; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to nobody who asks for any.

    Those begin at 32768 on Linux (``ip_local_port_range``). For servers that are started again at the same
    port, or that do not say where they listen; all others take any (0).
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Gate:
    """A file that the model waits for ("wait …", or as the delay of a stream)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        """Return what the model is told."""
        return str(self._path)

    def open(self) -> None:
        """Let the model go on, now and whenever it comes here again."""
        self._path.touch()

    def until_awaited(self) -> None:
        """Wait until the model waits."""
        eventually(Path(f"{self._path}.awaited").exists)


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
        return httpx.get(self.url + path, timeout=PATIENCE_S, verify=NO_TLS)

    def ask(self, prompt: str) -> httpx.Response:
        """Ask the model to do something, on a connection of its own."""
        return self.post({"prompt": prompt})

    def post(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Ask for a prediction, on a connection of its own."""
        url = self.url + "/invocations"
        return httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S, verify=NO_TLS)

    def stream(self, prompt: str) -> AbstractContextManager[httpx.Response]:
        """Ask the model for a streamed answer, on a connection that ends with the context."""
        asked = {"prompt": prompt, "stream": True}
        url = self.url + "/invocations"
        return httpx.stream("POST", url, json=asked, timeout=PATIENCE_S, verify=NO_TLS)

    def told(self, prompt: str) -> Any:
        """Return what the model says, asked again if a short deadline passes before it comes to that."""

        def answer() -> httpx.Response | None:
            asked = self.ask(prompt)
            assert asked.status_code in {200, 503, 504}, asked.text
            return asked if asked.status_code == 200 else None

        return eventually(answer).json()

    def pid_of_model(self) -> int:
        """Return the process that predicts."""
        return int(self.told("pid"))

    def until_ready(self) -> "ServerProcess":
        """Wait until a request would be answered."""
        eventually(lambda: self.is_answering("/ping"))
        return self

    def is_answering(self, path: str = "/health") -> bool:
        """Tell whether there is HTTP, and all is well."""
        try:
            return self.get(path).status_code == 200
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
        own = program_of(self.process.pid)
        return [pid for pid in children_of(self.process.pid) if program_of(pid) == own]

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


@pytest.fixture
def streams(start: Starter, tmp_path: Path) -> None:
    """Say of the model that it can answer in parts; then no request takes the short way."""
    described = tmp_path / "model" / "MLmodel"
    described.write_text(
        described.read_text().replace("    code: code\n", "    code: code\n    streamable: true\n")
    )


def end(pid: int) -> None:
    """Kill a process if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Return what the model waits for; at the end it is open, so that no thread waits for an answer."""
    made = Gate(tmp_path / "opened")
    yield made
    made.open()


@pytest.fixture
def in_background() -> Iterator[Callable[..., Any]]:
    """Return a function that starts a call in a thread and returns its future."""
    with ThreadPoolExecutor(32) as threads:
        yield threads.submit
