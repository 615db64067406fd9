"""A server in a container with little memory and disk, that batches, with a model that does as it is told."""

import contextlib
import http.client
import itertools
import json
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import lading_runtime
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.contracts.process.conftest import MODEL, PATIENCE_S, eventually

ROWS_MODEL = Path(__file__).with_name("rows_model")
IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim-bookworm"
MEMORY = "512m"
MAX_RSS = "220Mi"
DISK = "size=8m"
PORT = 8080
START = "LADING_MODEL_PYTHON=$(command -v python) exec python -m lading_runtime"
ROUND_TRIPS = 4
"""Of the event loop, until what was sent before must be in the queue: accepted, read, decoded."""


class Answer(NamedTuple):
    """What a client was told."""

    status: int
    body: Any

    @classmethod
    def read(cls, response: http.client.HTTPResponse) -> Self:
        """Return it, from JSON."""
        return cls(response.status, json.loads(response.read()))


def asking(prompt: str) -> dict[str, Any]:
    """Return the body of a request."""
    return {"dataframe_records": [{"prompt": prompt}]}


@dataclass
class Contained:
    """A server in a container."""

    container: DockerContainer
    gates: Path
    """What the container knows as ``/gates``."""

    numbers: Iterator[int] = field(default_factory=itertools.count)

    @cached_property
    def port(self) -> int:
        """Where it listens, on this machine."""
        return int(self.container.get_exposed_port(PORT))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, prompt: str) -> httpx.Response:
        """Ask the model to do something, on a connection of its own."""
        return httpx.post(self.url + "/invocations", json=asking(prompt), timeout=PATIENCE_S)

    def is_ready(self) -> bool:
        """Tell whether a request is answered."""
        with contextlib.suppress(httpx.TransportError):
            return self.ask("echo ready").status_code == 200
        return False

    def together(self, prompts: list[str]) -> list[Answer]:
        """Return the answers to prompts that are all there when the model comes to them."""
        gate = f"gate-{next(self.numbers)}"
        with contextlib.ExitStack() as stack:
            before = self._sent(f"wait /gates/{gate}", stack)
            eventually((self.gates / f"{gate}.awaited").exists)
            sent = [self._sent(prompt, stack) for prompt in prompts]
            # Connections are accepted, and what has come on them is read, in their order.
            for _ in range(ROUND_TRIPS):
                self._sent("", stack, "GET", "/health").getresponse()
            (self.gates / gate).touch()
            before.getresponse()
            return [Answer.read(connection.getresponse()) for connection in sent]

    def _sent(
        self, prompt: str, stack: contextlib.ExitStack, method: str = "POST", path: str = "/invocations"
    ) -> http.client.HTTPConnection:
        """Return a connection on which a request has been sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        stack.callback(connection.close)
        body = json.dumps(asking(prompt)) if method == "POST" else None
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection

    def said(self, path: str) -> str:
        """Return what is answered there; nothing if there is no HTTP yet."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.url + path, timeout=PATIENCE_S).text
        return ""

    @property
    def log(self) -> str:
        """Everything that was printed until now."""
        return "".join(part.decode() for part in self.container.get_logs())

    def count(self, name: str) -> float:
        """Return a number of ``/metrics``; 0 if there is none yet."""
        text = httpx.get(self.url + "/metrics", timeout=PATIENCE_S).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


Starter = Callable[..., contextlib.AbstractContextManager[Contained]]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Return a function that starts a server; its keywords are environment variables."""
    folder = tmp_path_factory.mktemp("contained")
    ignored = shutil.ignore_patterns("__pycache__")
    for model in (MODEL, ROWS_MODEL):
        shutil.copytree(model, folder / "model", ignore=ignored, dirs_exist_ok=True)
    (folder / "gates").mkdir()

    @contextlib.contextmanager
    def started(memory: str = MEMORY, **environ: str) -> Iterator[Contained]:
        container = DockerContainer(IMAGE).with_command(["sh", "-c", START]).with_exposed_ports(PORT)
        container.with_kwargs(mem_limit=memory, memswap_limit=memory)
        container.with_tmpfs_mount("/tmp", DISK)  # noqa: S108 - in the container
        container.with_volume_mapping(sysconfig.get_path("purelib"), "/packages", "ro")
        container.with_volume_mapping(str(Path(lading_runtime.__file__).parents[1]), "/runtime", "ro")
        container.with_volume_mapping(str(folder / "model"), "/opt/ml/model", "ro")
        container.with_volume_mapping(str(folder / "gates"), "/gates", "rw")
        said = {
            "PYTHONPATH": "/runtime:/packages",
            "MLFLOW_MODELS_WORKERS": "1",
            "LADING_BATCHING": "on",
            "LADING_MODEL_MAX_RSS": MAX_RSS,
            **environ,
        }
        for name, value in said.items():
            container.with_env(name, value)
        with container:
            yield Contained(container, folder / "gates")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testcontainers_config, "ryuk_disabled", True)
        yield started
