"""Whatever a prediction does to its process, in a container with little memory and disk, with batching on.

Each fault happens in the middle of a batch: its own client gets one clear answer, the others of the batch get
their predictions, and the next request is served.
"""

import contextlib
import http.client
import itertools
import json
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import lading_runtime
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.contracts.process.conftest import MODEL, PATIENCE_S, eventually

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("container faults")]

ROWS_MODEL = Path(__file__).with_name("rows_model")
IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim-bookworm"
MEMORY = "512m"
MAX_RSS = "220Mi"
DISK = "size=8m"
PORT = 8080
START = "LADING_MODEL_PYTHON=$(command -v python) exec python -m lading_runtime"
ROUND_TRIPS = 4
"""Of the event loop, until what was sent before must be in the queue: accepted, read, decoded."""

RETRIES = 'lading_batches_total{reason="retry"}'
ATTEMPTS = 3
"""On a machine so busy that what is left when a hang has been found is not enough for the others."""


class Answer(NamedTuple):
    """What a client was told."""

    status: int
    body: Any

    @classmethod
    def read(cls, response: http.client.HTTPResponse) -> Self:
        """Return it, from JSON."""
        return cls(response.status, json.loads(response.read()))


@dataclass
class Contained:
    """A server in a container."""

    port: int
    gates: Path
    """What the container knows as ``/gates``."""

    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, prompt: str) -> httpx.Response:
        """Ask the model to do something, on a connection of its own."""
        body = {"dataframe_records": [{"prompt": prompt}]}
        return httpx.post(self.url + "/invocations", json=body, timeout=PATIENCE_S)

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
                assert httpx.get(self.url + "/health", timeout=PATIENCE_S).status_code == 200
            (self.gates / gate).touch()
            assert before.getresponse().status == 200
            return [Answer.read(connection.getresponse()) for connection in sent]

    def _sent(self, prompt: str, stack: contextlib.ExitStack) -> http.client.HTTPConnection:
        """Return a connection on which a request has been sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        stack.callback(connection.close)
        body = json.dumps({"dataframe_records": [{"prompt": prompt}]})
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        return connection

    def count(self, name: str) -> float:
        """Return a number of ``/metrics``; 0 if there is none yet."""
        text = httpx.get(self.url + "/metrics", timeout=PATIENCE_S).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


Starter = Callable[[int], contextlib.AbstractContextManager[Contained]]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Return a function that starts a server whose requests may take so many seconds."""
    folder = tmp_path_factory.mktemp("contained")
    ignored = shutil.ignore_patterns("__pycache__")
    for model in (MODEL, ROWS_MODEL):
        shutil.copytree(model, folder / "model", ignore=ignored, dirs_exist_ok=True)
    (folder / "gates").mkdir()

    @contextlib.contextmanager
    def started(timeout_s: int) -> Iterator[Contained]:
        container = DockerContainer(IMAGE).with_command(["sh", "-c", START]).with_exposed_ports(PORT)
        container.with_kwargs(mem_limit=MEMORY, memswap_limit=MEMORY)
        container.with_tmpfs_mount("/tmp", DISK)  # noqa: S108 - in the container
        container.with_volume_mapping(sysconfig.get_path("purelib"), "/packages", "ro")
        container.with_volume_mapping(str(Path(lading_runtime.__file__).parents[1]), "/runtime", "ro")
        container.with_volume_mapping(str(folder / "model"), "/opt/ml/model", "ro")
        container.with_volume_mapping(str(folder / "gates"), "/gates", "rw")
        environ = {
            "PYTHONPATH": "/runtime:/packages",
            "MLFLOW_MODELS_WORKERS": "1",
            "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(timeout_s),
            "LADING_BATCHING": "on",
            "LADING_MODEL_MAX_RSS": MAX_RSS,
        }
        for name, value in environ.items():
            container.with_env(name, value)
        with container:
            server = Contained(int(container.get_exposed_port(PORT)), folder / "gates")
            eventually(server.is_ready)
            yield server

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testcontainers_config, "ryuk_disabled", True)
        yield started


@pytest.fixture(scope="module")
def patient(start: Starter) -> Iterator[Contained]:
    """A server whose requests may take long."""
    with start(60) as server:
        yield server


@pytest.fixture(scope="module")
def hurried(start: Starter) -> Iterator[Contained]:
    """A server whose requests must be answered soon, so that nobody waits long for what hangs."""
    with start(10) as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("exit 0", 500),
        ("exit 9", 500),
        ("crash", 500),
        ("eat", 500),
        ("close", 500),
        ("leave now", 500),
        ("fill", 400),
        ("raise it", 400),
        ("chatter 2000", 200),
        (f"leak {10 << 20}", 200),
    ],
)
def test_only_who_is_to_blame_gets_the_error(patient, fault, status):
    """The client of the fault gets one clear answer; the others of its batch, and the next, predictions."""
    retries = patient.count(RETRIES)

    first, unfortunate, last = patient.together(["echo first", fault, "echo last"])

    assert unfortunate.status == status, unfortunate.body
    assert status == 200 or set(unfortunate.body) >= {"error_code", "message"}
    assert [first, last] == [(200, {"predictions": ["first"]}), (200, {"predictions": ["last"]})]
    assert patient.ask("echo next").json() == {"predictions": ["next"]}
    assert (patient.count(RETRIES) > retries) == (status != 200)


@pytest.mark.parametrize("fault", ["sleep 600", "spin", "hold"])
def test_what_hangs_is_found_and_the_others_are_answered(hurried, fault):
    """A batch that takes too long is taken apart; who hangs gets a 504, nobody else needs to wait for it."""
    answers: list[Answer] = []
    for _ in range(ATTEMPTS):
        if [answer.status for answer in answers] != [200, 200, 504]:
            answers = hurried.together(["echo first", "echo last", fault])

    assert [answer.status for answer in answers] == [200, 200, 504]
    assert answers[-1].body["error_code"] == "DEADLINE_EXCEEDED"
    eventually(hurried.is_ready)


def test_a_model_that_leaks_is_replaced_between_requests(patient):
    """10 MB more with each request: processes are replaced before the container has no more memory."""
    answers = [patient.ask(f"leak {10 << 20}") for _ in range(60)]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) >= 3
