"""All faults at once in a container, under load and with batching, for as long as ``--soak-s`` says."""

import random
import threading

import pytest
from docker.models.containers import Container

from tests.contracts.contained.conftest import asking
from tests.contracts.process.conftest import eventually
from tests.contracts.process.traffic import Answer, Traffic

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("contained")]

PROMPTS = {
    "echo me": (60, 200),
    "sleep 0.01": (20, 200),
    "raise on purpose": (4, 400),
    "fill": (1, 400),
    f"leak {10 << 20}": (6, 200),
    "chatter 20": (2, 200),
    "exit 3": (2, 500),
    "leave now": (2, 500),
    "crash": (2, 500),
    "eat": (1, 500),
    "close": (1, 500),
    "hold": (1, 504),
    "spin": (1, 504),
    "sleep 600": (1, 504),
}
"""What clients ask for, how often, and what is the answer to it; but see `is_answered`."""

MEMORY = "1g"


def choose(chance: random.Random) -> str:
    """Return what is asked next."""
    return chance.choices(list(PROMPTS), [weight for weight, _ in PROMPTS.values()])[0]


def is_answered(answer: Answer) -> bool:
    """Tell whether that is what an answer may be.

    Whoever waits for the model process behind one that hangs may run out of time, or be told so at once.
    """
    return answer.status in {PROMPTS[answer.prompt][1], 503, 504}


def reload_again_and_again(container: Container, is_over: threading.Event) -> None:
    """Have the server load its model anew every few seconds."""
    while not is_over.wait(7):
        container.kill("HUP")


def test_no_request_is_left_unanswered(start, request):
    """Whatever others of its batch do, and the kernel, each request gets its one answer."""
    is_over = threading.Event()
    with start(MEMORY, MLFLOW_MODELS_WORKERS="2", MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="4") as server:
        eventually(server.is_ready)
        container = server.container.get_wrapped_container()
        reloading = threading.Thread(target=reload_again_and_again, args=(container, is_over))
        reloading.start()
        with Traffic(server.port, clients=8, choose=choose, body=asking) as traffic:
            is_over.wait(request.config.getoption("--soak-s"))
        is_over.set()
        reloading.join()
        eventually(server.is_ready)
        print(f"{len(traffic.answers)} answers: {traffic.statuses}")  # noqa: T201 - what a soak is run for
        container.stop(timeout=60)
        code = container.wait()["StatusCode"]

    assert [answer for answer in traffic.answers if not is_answered(answer)] == []
    assert traffic.statuses[200] > len(traffic.answers) / 4
    assert code == 0
