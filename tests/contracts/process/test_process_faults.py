"""Whatever happens to a prediction, one client gets one clear answer, and the next one is served."""

import os
import signal

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S, processor_s


def test_a_prediction_beyond_its_deadline_is_a_504_and_the_next_is_served(start):
    """When the deadline passes, the model process is replaced, though it spins with the lock held."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="0.3").until_ready()
    spinning = server.pid_of_model()

    answer = server.ask("spin")

    assert answer.status_code == 504
    assert answer.json()["error_code"] == "DEADLINE_EXCEEDED"
    assert server.told("echo next") == "next"
    server.eventually(lambda: not server.is_alive(spinning))


def test_a_request_that_expires_in_the_queue_does_not_disturb_the_model(start, in_background, gate):
    """Requests that wait behind a slow one meet their own deadline; the slow one is answered."""
    server = start().until_ready()
    model = server.pid_of_model()
    slow = in_background(server.ask, f"wait {gate}")
    gate.until_awaited()

    behind = server.post({"prompt": "echo behind"}, **{"X-Request-Timeout": "0.3"})
    gate.open()

    assert (slow.result().status_code, behind.status_code) == (200, 504)
    assert server.pid_of_model() == model


@pytest.mark.parametrize("prompt", ["exit 0", "exit 9", "leave now"])
def test_a_model_that_ends_its_process_is_a_500_and_the_next_is_served(start, prompt):
    """A model that exits, in whatever way, costs its client a 500 and nobody else anything."""
    server = start().until_ready()

    answer = server.ask(prompt)

    assert answer.status_code == 500
    assert answer.json()["error_code"] == "INTERNAL_ERROR"
    assert server.ask("echo next").json() == "next"


def test_what_the_model_raises_is_a_400_with_its_own_frames(start):
    """An exception of the model is answered as MLflow answers it, with the frames of the model only."""
    server = start().until_ready()

    answer = server.ask("raise secret words")

    assert answer.status_code == 400
    error = answer.json()
    assert error["error_code"] == "BAD_REQUEST"
    assert "obedient_model.py" in error["stack_trace"]
    assert "lading_runtime" not in error["stack_trace"]
    assert "raise secret words" not in answer.text


def test_frames_of_the_model_can_be_hidden(start):
    """``LADING_STACK_TRACES=off`` leaves them out."""
    server = start(LADING_STACK_TRACES="off").until_ready()

    assert "stack_trace" not in server.ask("raise hidden").json()


def test_a_killed_worker_is_replaced_and_its_model_process_ends(start):
    """When an HTTP worker is killed, another one starts, and no model process is left over."""
    server = start().until_ready()
    (worker,) = server.workers()
    model = server.pid_of_model()

    os.kill(worker, signal.SIGKILL)

    server.eventually(lambda: not server.is_alive(model))
    server.eventually(lambda: server.workers() not in ([], [worker]))
    assert server.until_ready().ask("echo next").json() == "next"


def test_a_busy_model_process_of_a_killed_worker_is_killed(start, in_background):
    """A model process that never looks at its socket again ends with its worker all the same."""
    server = start().until_ready()
    (worker,) = server.workers()
    model = server.pid_of_model()
    lost = in_background(server.ask, "spin")
    server.eventually(lambda: processor_s(model) > 0.1)

    os.kill(worker, signal.SIGKILL)

    server.eventually(lambda: not server.is_alive(model))
    assert lost.exception() is not None


def test_a_killed_model_host_is_started_again(start):
    """When the model host is killed, what it forked goes on or is replaced, by a new host."""
    server = start().until_ready()
    host = server.host()

    os.kill(host, signal.SIGKILL)
    server.eventually(lambda: not server.is_alive(host))
    server.ask("exit 1")

    server.eventually(lambda: server.get("/ping").status_code == 200)
    assert server.ask("echo next").json() == "next"
    assert server.host() != host


def test_concurrent_requests_are_all_answered(start, in_background):
    """Each of many clients at once gets the answer to its own question."""
    server = start(MLFLOW_MODELS_WORKERS="2").until_ready()

    answers = [in_background(server.ask, f"echo {number}") for number in range(200)]

    assert [answer.result().json() for answer in answers] == [str(number) for number in range(200)]


def test_clients_that_leave_do_not_hurt(start):
    """A client that does not wait for its answer costs the others nothing but the time."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="1").until_ready()
    patience = httpx.Timeout(PATIENCE_S, read=0.05)
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.url + "/invocations", json={"prompt": "sleep 0.5"}, timeout=patience)

    assert server.told("echo still here") == "still here"
