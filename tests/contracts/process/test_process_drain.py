"""A signal ends the server in order: readiness first, then what was accepted, then the processes."""

import contextlib
import json
import signal
import socket
import time

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_and_readiness_denied(start, in_background, gate, number):
    """After a signal, ``/ping`` is 503 at once, the running prediction is answered, the exit code is 0."""
    server = start(LADING_DRAIN_DELAY_S="3").until_ready()
    slow = in_background(server.ask, f"wait {gate}")
    gate.until_awaited()
    below = server.children()

    server.process.send_signal(number)
    server.eventually(lambda: is_turned_away(server))
    gate.open()

    assert slow.result().status_code == 200
    assert server.process.wait(PATIENCE_S) == 0
    assert not [pid for pid in below if server.is_alive(pid)]


def test_who_asks_again_and_again_is_heard_once(start):
    """Signals that come while the server ends, until the very last moment, do not change its exit code."""
    server = start(LADING_DRAIN_DELAY_S="0").until_ready()

    while server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)

    assert server.process.returncode == 0


def is_turned_away(server):
    """Tell whether the server says that it is not ready, or listens no more."""
    try:
        return server.get("/ping").status_code == 503
    except httpx.ConnectError:
        return True  # the machine has been busy with something else for the whole delay


def test_what_waits_in_the_queue_is_answered_too(start, in_background, gate):
    """Everything that was accepted before the signal is answered, one after the other."""
    server = start().until_ready()
    body = json.dumps({"prompt": f"wait {gate}"}).encode()
    with contextlib.ExitStack() as open_ones:
        waiting = [open_ones.enter_context(socket.create_connection(address_of(server))) for _ in range(4)]
        for connection in waiting:
            send_expecting(connection, len(body))  # so it is known that all are read before the signal
            connection.sendall(body)
        server.process.send_signal(signal.SIGTERM)
        gate.open()
        answers = [b"".join(iter(lambda: connection.recv(1 << 16), b"")) for connection in waiting]  # noqa: B023 - read here

    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 200 OK"] * 4
    assert server.process.wait(PATIENCE_S) == 0


def address_of(server):
    """Return where a server listens."""
    return "127.0.0.1", int(server.url.rpartition(":")[2])


def send_expecting(connection, body_bytes):
    """Send the head of a request to predict; return when the server asks for its body (RFC 9110 §10.1.1)."""
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    connection.settimeout(PATIENCE_S)
    connection.sendall(head % body_bytes)
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_who_has_connected_before_the_end_of_listening_may_still_ask(start):
    """A connection that was made in time is not hung up on because its request comes a moment later."""
    # The moment is a second, which a busy machine may need for something else.
    assert any(is_answered_late(start(LADING_DRAIN_DELAY_S="0").until_ready()) for _ in range(5))


def is_answered_late(server):
    """Ask on an early connection when there are no new ones any more; tell whether there is an answer."""
    with socket.create_connection(address_of(server)) as early, contextlib.suppress(ConnectionError):
        early.settimeout(PATIENCE_S)
        server.process.send_signal(signal.SIGTERM)
        server.eventually(lambda: not is_listening(server))
        early.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        return early.recv(len("HTTP/1.1 200"), socket.MSG_WAITALL) == b"HTTP/1.1 200"
    return False


def is_listening(server):
    """Tell whether a connection can be made."""
    try:
        socket.create_connection(address_of(server)).close()
    except ConnectionError:
        return False
    return True


def test_while_it_drains_connections_are_closed(start):
    """Who keeps a connection is asked, with the next answer, to make a new one elsewhere."""
    server = start(LADING_DRAIN_DELAY_S="60").until_ready()
    with httpx.Client(timeout=PATIENCE_S) as kept:
        before = kept.get(server.url + "/health")
        server.process.send_signal(signal.SIGTERM)
        server.eventually(lambda: server.get("/ping").status_code == 503)
        after = kept.get(server.url + "/health")

    assert "connection" not in before.headers
    assert after.headers["connection"] == "close"


def test_a_server_that_still_loads_ends_at_once(start):
    """A signal during loading does not wait for the model."""
    server = start(LOADING="waits")
    server.eventually(server.is_answering)

    assert server.stop() == 0


def test_a_client_that_never_finishes_its_request_does_not_hold_the_server(start):
    """A body that does not arrive ends with its deadline, and with it the drain."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="2").until_ready()
    with socket.create_connection(address_of(server)) as slow:
        send_expecting(slow, body_bytes=20)
        slow.sendall(b'{"prompt": ')
        server.process.send_signal(signal.SIGTERM)

        assert slow.recv(len("HTTP/1.1 504"), socket.MSG_WAITALL) == b"HTTP/1.1 504"

    assert server.process.wait(PATIENCE_S) == 0


def test_without_its_master_nothing_stays(start):
    """When the master is killed, workers, model host and model processes end by themselves."""
    server = start(MLFLOW_MODELS_WORKERS="2").until_ready()
    below = server.eventually(lambda: len(server.children()) == 5 and server.children())

    server.process.kill()

    server.eventually(lambda: not [pid for pid in below if server.is_alive(pid)])


def test_json_logs_hold_one_event_per_line_and_no_payload(start):
    """Every line is a JSON object, gunicorn's too; a request's line has its times, and never its body."""
    server = start(LADING_LOG_FORMAT="json").until_ready()
    server.ask("echo secret-payload")
    server.ask("raise secret-payload")
    assert server.stop() == 0

    events = [json.loads(line) for line in server.log.splitlines()]
    requests = [event for event in events if event.get("path") == "/invocations"]
    assert [event["status"] for event in requests] == [200, 400]
    assert requests[0]["ms"] >= requests[0]["model_ms"] >= 0
    assert {"gunicorn.error", "lading_runtime.access"} <= {event["logger"] for event in events}
    assert "secret-payload" not in server.log


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(start):
    """413 comes on the announced length alone; the connection is not needed for the rest."""
    server = start(LADING_MAX_BODY_BYTES="1000").until_ready()

    answer = httpx.post(server.url + "/invocations", content=b"x" * 5_000_000, timeout=PATIENCE_S)

    assert answer.status_code == 413
    assert answer.json()["error_code"] == "BAD_REQUEST"
