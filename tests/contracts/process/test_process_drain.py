"""A signal ends the server in order: readiness first, then what was accepted, then the processes."""

import json
import signal
import socket
import time

import httpx
import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_and_readiness_denied(start, in_background, number):
    """After a signal, ``/ping`` is 503 at once, the running prediction is answered, the exit code is 0."""
    server = start().until_ready()
    slow = in_background(server.ask, "sleep 1.5")
    server.eventually(lambda: server.is_alive(server.host()))
    time.sleep(0.3)  # the request must have reached the model; nothing outside of it shows that
    below = server.children()

    server.process.send_signal(number)
    server.eventually(lambda: server.get("/ping").status_code == 503)

    assert slow.result().status_code == 200
    assert server.process.wait(30) == 0
    assert not [pid for pid in below if server.is_alive(pid)]


def test_what_waits_in_the_queue_is_answered_too(start, in_background):
    """Everything that was accepted before the signal is answered, one after the other."""
    server = start().until_ready()
    answers = [in_background(server.ask, "sleep 0.3") for _ in range(4)]
    time.sleep(0.3)  # all must have been accepted; nothing outside shows that

    assert server.stop() == 0
    assert [answer.result().status_code for answer in answers] == [200] * 4


def test_while_it_drains_connections_are_closed(start):
    """Who keeps a connection is asked, with the next answer, to make a new one elsewhere."""
    server = start(LADING_DRAIN_DELAY_S="5").until_ready()
    with httpx.Client() as kept:
        before = kept.get(server.url + "/health")
        server.process.send_signal(signal.SIGTERM)
        server.eventually(lambda: server.get("/ping").status_code == 503)
        after = kept.get(server.url + "/health")

    assert "connection" not in before.headers
    assert after.headers["connection"] == "close"
    assert server.process.wait(30) == 0


def test_a_server_that_still_loads_ends_at_once(start):
    """A signal during loading does not wait for the model."""
    server = start(LOADING="waits")
    server.eventually(server.is_answering)

    assert server.stop() == 0


def test_a_client_that_never_finishes_its_request_does_not_hold_the_server(start):
    """A body that does not arrive ends with its deadline, and with it the drain."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="2").until_ready()
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as slow:
        slow.sendall(head + b'{"prompt": ')
        time.sleep(0.2)  # the server must have begun to read; nothing outside shows that
        server.process.send_signal(signal.SIGTERM)

        assert slow.recv(100).startswith(b"HTTP/1.1 504 ")

    assert server.process.wait(30) == 0


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

    answer = httpx.post(server.url + "/invocations", content=b"x" * 5_000_000)

    assert answer.status_code == 413
    assert answer.json()["error_code"] == "BAD_REQUEST"
