"""More than the model can do: who is refused, and what that costs the others."""

from collections import Counter
from concurrent.futures import as_completed
from itertools import islice

import pytest

from tests.contracts.process.conftest import eventually
from tests.contracts.process.traffic import Traffic

SLEEP_S = 0.4
CALL_S = 0.3
TIMEOUT_S = 6
CLIENTS = 40
"""Twice as many as can be answered within that time."""
ENOUGH = 30
IN_VAIN = 2
"""What a machine may cost that is busy with something else for seconds."""


def test_a_request_with_a_deadline_of_its_own_is_answered_in_time(start, gate):
    """X-Request-Timeout is a deadline; the model process outlives it, because a client must not end it."""
    server = start().until_ready()
    pid = server.pid_of_model()

    late = server.post({"prompt": f"wait {gate}"}, **{"X-Request-Timeout": "0.2"})
    gate.open()

    assert (late.status_code, late.json()["error_code"]) == (504, "DEADLINE_EXCEEDED")
    assert server.pid_of_model() == pid


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", ""])
def test_a_deadline_that_is_none_is_refused(start, value):
    """The client is told, not guessed at."""
    answer = start().until_ready().post({"prompt": "echo x"}, **{"X-Request-Timeout": value})

    assert answer.status_code == 400
    assert "X-Request-Timeout" in answer.json()["message"]


def test_who_cannot_be_answered_in_time_is_refused_at_once(start, in_background, gate):
    """The model's pace is known: those that would wait in vain are told when to come again."""
    server = start().until_ready()
    for _ in range(8):
        server.ask(f"sleep {SLEEP_S}")
    slow = in_background(server.ask, f"wait {gate}")
    gate.until_awaited()

    hurried = [server.post({"prompt": "echo"}, **{"X-Request-Timeout": str(SLEEP_S)}) for _ in range(12)]
    patient = in_background(server.ask, "echo patient")
    gate.open()

    assert {answer.status_code for answer in hurried} == {503}
    assert {answer.json()["error_code"] for answer in hurried} == {"TEMPORARILY_UNAVAILABLE"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in hurried)
    assert (slow.result().status_code, patient.result().json()) == (200, "patient")


def test_a_full_queue_refuses_the_rest(start, in_background, gate):
    """No more waits than may; what waits is answered."""
    server = start(LADING_QUEUE_MAX_ROWS="2").until_ready()
    first = in_background(server.ask, f"wait {gate}")
    gate.until_awaited()

    asked = [in_background(server.ask, "echo") for _ in range(12)]
    statuses = Counter(future.result().status_code for future in islice(as_completed(asked), 11))
    gate.open()

    assert statuses == {503: 11}
    assert first.result().status_code == 200
    assert sum(future.result().status_code == 200 for future in asked) == 1


def test_under_overload_the_model_does_nothing_in_vain(start):
    """Many times what it can bear: some are answered in time, the rest refused, and no process is lost."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT=str(TIMEOUT_S)).until_ready()
    for _ in range(8):
        server.ask(f"sleep {CALL_S}")
    port = int(server.url.rpartition(":")[2])
    with Traffic(port, CLIENTS, lambda _: f"sleep {CALL_S}", pause_s=0.01) as traffic:
        eventually(lambda: traffic.statuses[200] >= ENOUGH)

    statuses = traffic.statuses
    predicted = server.eventually(lambda: count(server, "lading_rows_total"))
    assert set(statuses) <= {200, 503, 504}
    assert statuses[503] > statuses[200]
    assert predicted - 8 - statuses[200] <= IN_VAIN
    assert server.log.count("model process replaced") <= IN_VAIN
    assert server.told("echo after") == "after"


def count(server, name):
    """Return a number of ``/metrics``."""
    return sum(
        float(line.split()[-1]) for line in server.get("/metrics").text.splitlines() if line.startswith(name)
    )
