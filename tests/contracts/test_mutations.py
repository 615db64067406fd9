"""Broken bodies, against the real server: two workers, eight connections, each request answered.

Recorded and generated requests are broken in every way that `tests/differential/mutate.py` knows. Three
thousand by default; ``--mutations N`` sends more.
"""

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
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.contracts.process.conftest import ServerProcess, eventually
from tests.differential.bodies import requests
from tests.differential.mutate import Shot, bombs, mutants
from tests.differential.signatures import KINDS

MODELS = ("echo_all", "echo_complex", "echo_nosig", "echo_tensor_named", "echo_params", "iris")
RECORDINGS = ("observed.jsonl.gz", "observed-nulls.jsonl.gz")
LIMIT_BYTES = 100 << 20
"""The default of ``LADING_MAX_BODY_BYTES``."""

DEADLINE_S = 30
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
    answered: int = 0
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
                complaint = complaint_about(connection, shot)
                taken_s = time.perf_counter() - start
                with self._lock:
                    self.answered += 1
                    self.slowest_s = max(self.slowest_s, taken_s)
                    if complaint:
                        self.complaints.append(f"{complaint}: {shot.headers} {shot.body[:2000]!r}")


def complaint_about(connection: http.client.HTTPConnection, shot: Shot) -> str | None:
    """Send a request; return what is wrong with the answer."""
    try:
        connection.request("POST", "/invocations", shot.body, shot.headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"no answer ({error!r})"
    return complaint_about_answer(response.status, response.getheader("Content-Type"), text)


def complaint_about_answer(status: int, content_type: str | None, text: bytes) -> str | None:
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


@pytest.mark.parametrize("model", MODELS)
def test_broken_bodies_are_refused_and_break_nothing(model, serve, conformance, request, record_property):
    """Each gets a 2xx or a 4xx as JSON, in time; no process ends, and none keeps their memory."""
    count = max(request.config.getoption("--mutations") // len(MODELS), 1)
    stream = mutants([*recorded(conformance.folder, model), *generated(40)], random.Random(model))
    server = serve(model, LADING_MAX_BODY_BYTES=str(MODEL_BODY_BYTES))
    warm_up = Gun(address_of(server), itertools.islice(stream, min(count, 400)))
    warm_up.fire()
    family = Family.of(server)
    before = family.memory_mb()

    gun = Gun(address_of(server), itertools.islice(stream, count))
    gun.fire()

    growth = {pid: mb - before[pid] for pid, mb in family.memory_mb().items()}
    record_property("slowest_s", gun.slowest_s)
    record_property("growth_mb", growth)
    assert not warm_up.complaints + gun.complaints
    assert (gun.answered, Family.of(server)) == (count, family)
    assert "model process replaced" not in server.log
    assert "internal error" not in server.log
    assert max(growth.values()) < MAX_GROWTH_MB


@pytest.mark.parametrize("model", ["iris", "echo_nosig"])
def test_the_largest_bodies_are_refused_and_forgotten(model, serve, record_property):
    """A hundred megabytes, also as gzip of a hundred kilobytes, get a 4xx; their memory is given back."""
    server = serve(model)
    Gun(address_of(server), iter([Shot({}, b"{}")] * 50)).fire()
    family = Family.of(server)
    before = family.memory_mb()

    gun = Gun(address_of(server), iter(bombs(LIMIT_BYTES)), connections=2)
    gun.fire()

    growth = {pid: mb - before[pid] for pid, mb in family.memory_mb().items()}
    record_property("slowest_s", gun.slowest_s)
    record_property("growth_mb", growth)
    assert not gun.complaints
    assert Family.of(server) == family
    assert max(growth.values()) < MAX_GROWTH_MB


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
