"""Broken bodies, against the real server: two workers, eight connections, each request answered.

Recorded and generated requests are broken in every way that `tests/differential/mutate.py` knows; so are
files in columnar formats. Three thousand by default; ``--mutations N`` sends more.

What it found, all mended: bodies of a hundred megabytes took minutes, in which the collector of garbage
looked at them again and again, and stood still on packed ones; the deadline did not hold while a body was
decoded; a megabyte of records that have no key in common filled the memory.
"""

import base64
import contextlib
import gzip
import http.client
import itertools
import json
import random
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.conftest import REPOSITORY, run
from tests.contracts.process.conftest import ServerProcess, eventually
from tests.differential.bodies import requests
from tests.differential.mutate import Shot, bombs, mutants, tables
from tests.differential.signatures import KINDS

MODELS = ("echo_all", "echo_complex", "echo_nosig", "echo_tensor_named", "echo_params", "iris")
RECORDINGS = ("observed.jsonl.gz", "observed-nulls.jsonl.gz")
LIMIT_BYTES = 100 << 20
"""The default of ``LADING_MAX_BODY_BYTES``."""

DEADLINE_S = 180
MAX_GROWTH_MB = 48
"""How much more memory a process may hold after all those requests than after the first of them.

Python gives memory back to the system in arenas of a megabyte, if nothing is left in them.
"""

MODEL_BODY_BYTES = 4 << 20
"""The limit while large bodies reach the model: an echo of a hundred megabytes tests the echo."""


@dataclass
class Gun:
    """Sends shots on several connections at once, and keeps the answers that are not as they should be."""

    address: tuple[str, int]
    shots: Iterator[Shot]
    connections: int = 8
    statuses: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    slowest_s: float = 0

    def fire(self) -> None:
        """Send all shots; return when all are answered."""
        self._lock = threading.Lock()
        threads = [threading.Thread(target=self._send_until_none_is_left) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _next(self) -> Shot | None:
        with self._lock:
            return next(self.shots, None)

    def _send_until_none_is_left(self) -> None:
        with closing(http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)) as connection:
            while (shot := self._next()) is not None:
                start = time.perf_counter()
                status, complaint = sent(connection, shot)
                taken_s = time.perf_counter() - start
                with self._lock:
                    self.statuses[status] += 1
                    self.slowest_s = max(self.slowest_s, taken_s)
                    if complaint:
                        self.complaints.append(f"{complaint}: {shot.headers} {shot.body[:2000]!r}")


def sent(connection: http.client.HTTPConnection, shot: Shot) -> tuple[int, str | None]:
    """Send a request; return the answer's status, 0 if there is none, and what is wrong with it."""
    try:
        connection.request("POST", "/invocations", shot.body, shot.headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return 0, f"no answer ({error!r})"
    return response.status, complaint_about(response.status, response.getheader("Content-Type"), text)


def complaint_about(status: int, content_type: str | None, text: bytes) -> str | None:
    """Return what is wrong with an answer: it is JSON, and of a success or of an error of the client's."""
    if content_type != "application/json":
        return f"status {status}, content type {content_type}"
    document = json.loads(text)
    if status == 200:
        return None
    has_shape = isinstance(document, dict) and all(document.get(key) for key in ("error_code", "message"))
    return None if 400 <= status < 500 and has_shape else f"status {status}, {text[:500]!r}"


# --- what is sent ---


def recorded(folder: Path, model: str) -> list[Shot]:
    """Return the recorded scoring requests, those to *model* more often."""
    shots = []
    for name in RECORDINGS:
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            cases = [json.loads(line) for line in lines]
        for case in cases:
            body = case["body"] or ""
            if case["path"] == "/invocations" and case["method"] == "POST" and not body.startswith("base64:"):
                shot = Shot({key: value for key, value in case["headers"].items() if value}, body.encode())
                shots += [shot] * (20 if case["model"] == model else 1)
    return shots


def generated(count: int) -> list[Shot]:
    """Return requests to all kinds of signatures, always the same."""
    shots: list[Shot] = []

    def collect(kind: str) -> None:
        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(requests(kind))
        def add(request):
            shots.append(Shot({"Content-Type": request.content_type}, request.body))

        add()

    for kind in KINDS:
        collect(kind)
    return shots


def columnar(python: Path) -> list[Shot]:
    """Return files in the columnar formats, which only MLflow's environment can make."""
    made = json.loads(run("env", "-C", REPOSITORY, python, "-m", "tests.differential.columnar_bodies"))
    return [Shot({"Content-Type": name}, base64.b64decode(body)) for name, body in made]


# --- the server and its processes ---


@dataclass(frozen=True)
class Family:
    """The processes that answer requests: workers, and model processes."""

    workers: frozenset[int]
    models: frozenset[int]

    @classmethod
    def of(cls, server: ServerProcess) -> "Family":
        """Return those of *server*."""
        workers, host = server.workers(), server.host()
        return cls(frozenset(workers), frozenset(server.children()) - {host, *workers})

    def memory_mb(self) -> dict[int, float]:
        """Return the resident memory of each."""
        return {pid: resident_mb(pid) for pid in self.workers | self.models}

    def growth_mb(self, before: dict[int, float], address: tuple[str, int]) -> float:
        """Return how much the memory of one has grown, once the server has gone on with small requests."""

        def growth() -> float:
            return max(mb - before[pid] for pid, mb in self.memory_mb().items())

        def is_given_back() -> bool:
            Gun(address, iter([Shot({}, b"{}")] * 20)).fire()
            return growth() < MAX_GROWTH_MB

        with contextlib.suppress(AssertionError):
            eventually(is_given_back)
        return growth()


def resident_mb(pid: int) -> float:
    """Return what of a process is in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


@pytest.fixture
def serve(conformance, mlflow_python, tmp_path):
    """Return a function that serves a model of the conformance suite with two workers."""
    started: list[ServerProcess] = []

    def start(model, **environ):
        given = {
            "LADING_MODEL": str(conformance.models / model),
            "LADING_MODEL_PYTHON": str(mlflow_python),
            "MLFLOW_MODELS_WORKERS": "2",
            "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(DEADLINE_S),
            **environ,
        }
        server = ServerProcess(tmp_path, given)
        started.append(server)
        server.until_ready()
        eventually(lambda: len(Family.of(server).models) == 2)
        return server

    yield start
    for server in started:
        server.stop()


def address_of(server: ServerProcess) -> tuple[str, int]:
    """Return where *server* listens."""
    url = urlsplit(server.url)
    assert url.hostname
    assert url.port
    return url.hostname, url.port


@pytest.fixture(scope="module")
def sound(conformance, mlflow_python):
    """Return a function that gives the requests that are broken for a model."""
    others = [*generated(12), *columnar(mlflow_python) * 10]
    return lambda model: [*recorded(conformance.folder, model), *others]


@pytest.mark.parametrize("model", MODELS)
def test_broken_bodies_are_refused_and_break_nothing(model, serve, sound, request, record_property):
    """Each gets a 2xx or a 4xx as JSON, in time; no process ends, and none keeps their memory."""
    count = max(request.config.getoption("--mutations") // len(MODELS), 1)
    stream = mutants(sound(model), random.Random(model))
    server = serve(model, LADING_MAX_BODY_BYTES=str(MODEL_BODY_BYTES))
    warm_up = Gun(address_of(server), itertools.islice(stream, min(count, 400)))
    warm_up.fire()
    family = Family.of(server)
    before = family.memory_mb()

    gun = Gun(address_of(server), itertools.islice(stream, count))
    gun.fire()

    growth = family.growth_mb(before, address_of(server))
    record_property("statuses", dict(gun.statuses))
    record_property("slowest_s", gun.slowest_s)
    record_property("growth_mb", growth)
    assert not warm_up.complaints + gun.complaints
    assert (gun.statuses.total(), Family.of(server)) == (count, family)
    assert "model process replaced" not in server.log
    assert "internal error" not in server.log
    assert growth < MAX_GROWTH_MB


@pytest.mark.parametrize(
    ("model", "shots"),
    [("iris", bombs), ("iris", tables), ("echo_nosig", bombs)],
    ids=["iris", "tables for iris", "echo_nosig"],
)
def test_the_largest_bodies_are_refused_and_forgotten(model, shots, serve, record_property):
    """A hundred megabytes, also as gzip of a hundred kilobytes, get a 4xx; their memory is given back."""
    server = serve(model)
    Gun(address_of(server), iter([Shot({}, b"{}")] * 50)).fire()
    family = Family.of(server)
    before = family.memory_mb()

    gun = Gun(address_of(server), iter(shots(LIMIT_BYTES)), connections=2)
    gun.fire()

    assert Family.of(server) == family
    growth = family.growth_mb(before, address_of(server))
    record_property("statuses", dict(gun.statuses))
    record_property("slowest_s", gun.slowest_s)
    record_property("growth_mb", growth)
    assert not gun.complaints
    assert growth < MAX_GROWTH_MB


@pytest.mark.parametrize(
    "framing", ["Content-Length: 10000000000", f"Content-Length: {LIMIT_BYTES + 1}"], ids=["10 GB", "1 byte"]
)
def test_a_body_that_announces_too_much_is_not_waited_for(framing, serve):
    """413 comes at once, before the client has sent any of the body."""
    with closing(socket.create_connection(address_of(serve("iris")), timeout=DEADLINE_S)) as client:
        client.sendall(f"POST /invocations HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()

        assert (answer.status, json.loads(answer.read())["error_code"]) == (413, "BAD_REQUEST")


def test_a_body_of_unknown_length_is_read_up_to_the_limit(serve):
    """Chunks without end get a 413 as soon as they are too much."""
    limit = 1 << 20
    with closing(
        socket.create_connection(
            address_of(serve("iris", LADING_MAX_BODY_BYTES=str(limit))), timeout=DEADLINE_S
        )
    ) as client:
        client.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        while not select.select([client], [], [], 0)[0] and sent < 64 * limit:
            with contextlib.suppress(OSError):
                sent += client.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()

        assert (answer.status, json.loads(answer.read())["error_code"]) == (413, "BAD_REQUEST")
    assert sent < 64 * limit
