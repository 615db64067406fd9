"""A streamed answer from outside: its form, its errors, and clients that are slow or leave."""

import json
import socket
import time

import pytest

from tests.contracts.process.conftest import PATIENCE_S

pytestmark = pytest.mark.usefixtures("streams")

ENDLESS = 1_000_000_000
SHORT = {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "0.7"}
LONGER = {"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "2"}
"""Where a first part must come, too."""


def events_of(answer):
    """Return the events of a streamed answer; the last one says that it was."""
    *events, done, nothing = answer.read().decode().split("\n\n")
    assert all(event.startswith("data: ") for event in (*events, done))
    assert (done, nothing) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def numbers_of(events):
    """Return the numbers of the parts that came."""
    return [event["number"] for event in events]


def test_a_stream_is_server_sent_events(start):
    """``"stream": true`` is answered with an event per part and one for the end, and not to be kept."""
    server = start().until_ready()

    with server.stream("0 3 2") as answer:
        events = events_of(answer)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert events == [{"number": number, "padding": "xx"} for number in range(3)]


def test_a_stream_may_be_empty(start):
    """A stream without parts is nothing but its end."""
    with start().until_ready().stream("0 0 0") as answer:
        assert events_of(answer) == []


def test_parts_come_when_they_are_made(start, gate):
    """The first part reaches the client while the model still works on the second."""
    server = start().until_ready()

    with server.stream(f"0 1 0 wait {gate}") as answer:
        lines = answer.iter_lines()
        first = next(lines)  # which would not come if it waited for the gate, too
        gate.open()

    assert json.loads(first.removeprefix("data: "))["number"] == 0


def test_an_error_before_the_first_part_is_an_answer_of_its_own(start):
    """A stream that fails before it has begun has the status of its error."""
    with start().until_ready().stream("0 0 0 raise secret") as answer:
        error = json.loads(answer.read())

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert error["error_code"] == "BAD_REQUEST"
    assert "obedient_model.py" in error["stack_trace"]


def test_an_error_after_the_first_part_is_an_event(start):
    """A stream that fails later says so before its end, without values of the payload."""
    server = start().until_ready()

    with server.stream("0 2 0 raise secret words") as answer:
        *parts, failed = events_of(answer)

    assert answer.status_code == 200
    assert numbers_of(parts) == [0, 1]
    assert failed["error"].startswith("Encountered an unexpected error")
    assert failed["error_code"] == "BAD_REQUEST"
    assert "obedient_model.py" in failed["stack_trace"]
    assert "secret" not in json.dumps(failed)


def test_a_model_that_ends_its_process_ends_its_stream(start):
    """A model that exits in the middle of a stream costs its client an error, and nobody else anything."""
    server = start().until_ready()

    with server.stream("0 1 0 exit 9") as answer:
        *parts, failed = events_of(answer)

    assert numbers_of(parts) == [0]
    assert failed["error_code"] == "INTERNAL_ERROR"
    assert server.ask("echo next").json() == "next"


def test_the_first_part_has_the_deadline_of_a_request(start):
    """A stream that does not begin in time is a 504, and its model process is replaced."""
    server = start(**SHORT).until_ready()

    with server.stream("60 1 0") as answer:
        error = json.loads(answer.read())

    assert answer.status_code == 504
    assert error["error_code"] == "DEADLINE_EXCEEDED"
    assert server.told("echo next") == "next"


def test_each_further_part_has_a_deadline_of_its_own(start):
    """A stream may take longer than a request, as long as its parts come; one that does not is its end."""
    server = start(**LONGER).until_ready()

    def is_whole():
        """Tell whether a stream that takes longer than a request may came to its end, by one process."""
        model = server.pid_of_model()
        with server.stream("1.2 1 0 sleep 1.2") as answer:
            text = answer.read()
        return b"error" not in text and server.pid_of_model() == model

    server.eventually(is_whole)  # a busy machine may keep the model from its next part
    model = server.pid_of_model()
    with server.stream("0 1 0 spin") as answer:
        *parts, failed = events_of(answer)

    assert numbers_of(parts) == [0]
    assert failed["error_code"] == "DEADLINE_EXCEEDED"
    assert server.pid_of_model() != model


def test_a_client_that_leaves_ends_the_stream(start):
    """When the client goes away, the model's generator is closed, and its process serves the next one."""
    server = start().until_ready()
    model = server.pid_of_model()

    with server.stream(f"0 {ENDLESS} 10") as answer:
        next(answer.iter_lines())

    server.eventually(lambda: "stream closed" in server.log)
    assert server.pid_of_model() == model
    server.eventually(lambda: "error=ClientDisconnected" in server.log)


def test_a_client_that_leaves_before_the_first_part_ends_the_stream(start, gate):
    """A stream that has not begun is ended, too, as soon as the model gets that far."""
    server = start().until_ready()
    model = server.pid_of_model()
    body = json.dumps({"prompt": f"{gate} {ENDLESS} 10", "stream": True}).encode()
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)

    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
        client.sendall(head + body)
        gate.until_awaited()
    gate.open()

    server.eventually(lambda: "stream closed" in server.log)
    assert server.pid_of_model() == model


def test_a_stream_that_does_not_end_costs_its_process(start):
    """A model that goes on when its client has left is replaced after ``LADING_STREAM_CLOSE_S``."""
    server = start(LADING_STREAM_CLOSE_S="0.3").until_ready()
    model = server.pid_of_model()

    with server.stream("0 1 0 spin") as answer:
        next(answer.iter_lines())

    assert server.ask("echo next").json() == "next"
    server.eventually(lambda: not server.is_alive(model))
    server.eventually(lambda: "a stream did not end" in server.log)


def test_a_slow_client_slows_the_model_down(start):
    """Parts that a client does not take are not made, and cost the model nothing when it takes them later."""
    server = start().until_ready()

    with server.stream("0 2000 100000") as answer:
        lines = answer.iter_lines()
        next(lines)
        time.sleep(1)  # long enough to make all of them
        del lines
        waiting = server.get("/ping").status_code
    made = server.ask("made").json()

    assert waiting == 200
    assert made < 500


def test_a_client_that_takes_nothing_counts_as_one_that_left(start):
    """A client that keeps its connection and does not read has the time of a request for each part."""
    server = start(**LONGER).until_ready()
    model = server.pid_of_model()

    with server.stream(f"0 {ENDLESS} 100000") as answer:
        lines = answer.iter_lines()  # kept: httpx leaves when nobody holds it any more
        next(lines)
        server.eventually(lambda: "stream closed" in server.log)

    assert server.pid_of_model() == model


def test_requests_behind_a_stream_wait_for_their_turn(start, in_background, gate):
    """A stream is one request like any other: what comes later is answered after its end."""
    server = start().until_ready()

    with server.stream(f"0 1 0 wait {gate}") as answer:
        lines = answer.iter_lines()  # kept, as above
        next(lines)
        gate.until_awaited()
        behind = in_background(server.ask, "echo behind")
        time.sleep(0.1)  # enough for an answer that does not wait, on most machines
        was_answered = behind.done()
        gate.open()

    assert not was_answered
    assert behind.result().json() == "behind"


def test_a_stream_is_finished_before_the_server_ends(start, gate):
    """A stream that flows when the server is asked to end is delivered to its last part."""
    server = start().until_ready()

    with server.stream(f"0 1 0 wait {gate}") as answer:
        lines = answer.iter_lines()
        first = next(lines)
        server.process.terminate()
        server.eventually(lambda: not server.is_answering("/ping"))
        gate.open()
        rest = [line for line in lines if line]

    assert json.loads(first.removeprefix("data: "))["number"] == 0
    assert rest == ["data: [DONE]"]
    assert server.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("word", [False, None, "true", 1])
def test_only_true_asks_for_a_stream(start, word):
    """Whatever else ``stream`` says, the answer comes at once."""
    server = start().until_ready()

    answer = server.post({"prompt": "echo at once", "stream": word})

    assert answer.json() == "at once"


def test_the_log_tells_of_a_stream_what_it_tells_of_a_request(start):
    """A stream is one line of the log, with the number of its parts and the time that they took."""
    server = start(LADING_LOG_FORMAT="json").until_ready()
    with server.stream("0.2 3 0") as answer:
        answer.read()
    assert server.stop() == 0

    (line,) = [line for line in server.log.splitlines() if '"path":"/invocations"' in line]
    event = json.loads(line)
    assert (event["status"], event["chunks"]) == (200, 3)
    assert event["ms"] >= event["model_ms"] >= 200
