"""Clients that leave before they are answered: nobody predicts for them, and nothing looks like a failure."""

import json
import re
import socket
import struct
from urllib.parse import urlsplit

import pytest

from tests.contracts.process.conftest import PATIENCE_S

KEY = "first-key-0123456789"
STARTED = {"directly": {}, "through ASGI": {"LADING_CORS_ORIGINS": "https://example.org"}}
"""Where pages of other origins may ask, every request goes through ASGI."""


def connect(server) -> socket.socket:
    """Return a connection to *server*, which resets it when it is closed."""
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname, address.port), PATIENCE_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return connection


def asking(prompt: str) -> bytes:
    """Return a request to predict."""
    body = json.dumps({"prompt": prompt}).encode()
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def noticed(server) -> None:
    """Wait until the server has seen what other connections did before: it takes them in turn."""
    server.until_ready()


def count(server, metric: str) -> float:
    """Return the sum of a metric's samples whose names begin so."""
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric))


@pytest.mark.parametrize("environ", STARTED.values(), ids=STARTED)
def test_who_left_while_waiting_never_reaches_the_model(start, gate, tmp_path, environ):
    """A request whose client is gone is dropped from the queue, not predicted for nobody."""
    server = start(**environ).until_ready()
    with connect(server) as first, connect(server) as left:
        first.sendall(asking(f"wait {gate}"))
        gate.until_awaited()
        left.sendall(asking(f"wait {tmp_path / 'left'}"))
        noticed(server)
        left.close()
        noticed(server)
        gate.open()
        assert first.recv(1 << 16).startswith(b"HTTP/1.1 200")

    assert server.ask("echo next").json() == "next"
    assert not (tmp_path / "left.awaited").exists()


@pytest.mark.parametrize("environ", STARTED.values(), ids=STARTED)
def test_who_left_counts_as_499(start, gate, environ):
    """A client that left before its answer was told nothing: so the log says, and the metrics."""
    server = start(**environ).until_ready()
    with connect(server) as left:
        left.sendall(asking(f"wait {gate}"))
        gate.until_awaited()
    noticed(server)
    gate.open()

    server.eventually(lambda: re.search(r"path=/invocations status=499 .*sent_bytes=0 ", server.log))
    assert count(server, 'lading_requests_total{route="/invocations",status="499"}') == 1
    assert count(server, 'lading_requests_total{route="/invocations",status="200"}') == 0


@pytest.mark.parametrize("way", STARTED)
def test_who_leaves_with_requests_in_a_row_causes_no_error(start, gate, way):
    """Requests that were sent at once, and whose client is gone, are no failures of the server's."""
    server = start(**STARTED[way]).until_ready()
    with connect(server) as left:
        left.sendall(asking(f"wait {gate}") + asking("echo 1") + asking("echo 2") + asking("echo 3"))
        gate.until_awaited()
    noticed(server)
    gate.open()

    assert server.ask("echo next").json() == "next"
    # Directly, nothing is read while requests wait behind one, nor is it seen that nobody is there any more.
    status = "499" if way == "through ASGI" else "499|200"
    server.eventually(lambda: re.search(rf"path=/invocations status=({status}) received_bytes", server.log))
    assert count(server, 'lading_requests_total{route="/invocations",status="500"}') == 0
    assert "Traceback" not in server.log
    assert "internal error" not in server.log


def test_lines_about_the_model_process_are_of_no_request(start):
    """That a model process was replaced is logged without the id of a request that had no part in it."""
    server = start(LADING_CORS_ORIGINS="https://example.org").until_ready()
    for _ in range(3):
        assert server.ask("echo fine").status_code == 200
    assert server.ask("exit 1").status_code == 500

    line = server.eventually(lambda: re.search(r".* model process replaced .*", server.log))

    assert "request_id" not in line[0]
