"""More than the model can do: who is refused, and what that costs the others."""

import pytest

SLEEP_S = 0.4


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


def test_who_cannot_be_answered_in_time_is_refused_at_once(start, in_background):
    """The model's pace is known: those that would wait in vain are told when to come again."""
    server = start().until_ready()
    for _ in range(8):
        server.ask(f"sleep {SLEEP_S}")

    asked = [
        in_background(server.post, {"prompt": f"sleep {SLEEP_S}"}, **{"X-Request-Timeout": "1.5"})
        for _ in range(24)
    ]
    answers = [future.result() for future in asked]
    refused = [answer for answer in answers if answer.status_code == 503]

    assert {answer.status_code for answer in answers} <= {200, 503, 504}
    assert len([answer for answer in answers if answer.status_code == 200]) >= 1
    assert len(refused) >= 12
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert all(answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE" for answer in refused)
    assert server.ask("echo next").json() == "next"


def test_a_full_queue_refuses_the_rest(start, in_background):
    """No more waits than may; what waits is answered."""
    server = start(LADING_QUEUE_MAX_ROWS="2").until_ready()
    asked = [in_background(server.ask, "sleep 1") for _ in range(12)]
    statuses = [future.result().status_code for future in asked]

    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 2
