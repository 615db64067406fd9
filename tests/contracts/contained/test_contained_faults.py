"""Whatever a prediction does to its process, in a container with little memory and disk, with batching on.

Each fault happens in the middle of a batch: its own client gets one clear answer, the others of the batch get
their predictions, and the next request is served.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.contracts.contained.conftest import Answer, Contained, Starter
from tests.contracts.process.conftest import PATIENCE_S, eventually

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("contained")]

RETRIES = 'lading_batches_total{reason="retry"}'
ATTEMPTS = 3
"""On a machine so busy that what is left when a hang has been found is not enough for the others."""


@pytest.fixture(scope="module")
def patient(start: Starter) -> Iterator[Contained]:
    """A server whose requests may take long."""
    with start() as server:
        eventually(server.is_ready)
        yield server


@pytest.fixture(scope="module")
def hurried(start: Starter) -> Iterator[Contained]:
    """A server whose requests must be answered soon, so that nobody waits long for what hangs."""
    with start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="10") as server:
        eventually(server.is_ready)
        yield server


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("exit 0", 500),
        ("exit 9", 500),
        ("crash", 500),
        ("eat", 500),
        ("close", 500),
        ("leave now", 500),
        ("fill", 400),
        ("raise it", 400),
        ("chatter 2000", 200),
        (f"leak {10 << 20}", 200),
    ],
)
def test_only_who_is_to_blame_gets_the_error(patient, fault, status):
    """The client of the fault gets one clear answer; the others of its batch, and the next, predictions."""
    retries = patient.count(RETRIES)

    first, unfortunate, last = patient.together(["echo first", fault, "echo last"])

    assert unfortunate.status == status, unfortunate.body
    assert status == 200 or set(unfortunate.body) >= {"error_code", "message"}
    assert [first, last] == [(200, {"predictions": ["first"]}), (200, {"predictions": ["last"]})]
    assert patient.ask("echo next").json() == {"predictions": ["next"]}
    assert (patient.count(RETRIES) > retries) == (status != 200)


@pytest.mark.parametrize("fault", ["sleep 600", "spin", "hold"])
def test_what_hangs_is_found_and_the_others_are_answered(hurried, fault):
    """A batch that takes too long is taken apart; who hangs gets a 504, nobody else needs to wait for it."""
    answers: list[Answer] = []
    for _ in range(ATTEMPTS):
        if [answer.status for answer in answers] != [200, 200, 504]:
            answers = hurried.together(["echo first", "echo last", fault])

    assert [answer.status for answer in answers] == [200, 200, 504]
    assert answers[-1].body["error_code"] == "DEADLINE_EXCEEDED"
    eventually(hurried.is_ready)


def test_a_model_that_leaks_is_replaced_between_requests(patient):
    """10 MB more with each request: processes are replaced before the container has no more memory."""
    answers = [patient.ask(f"leak {10 << 20}") for _ in range(40)]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) >= 3


def test_a_model_that_cannot_be_loaded_is_said(start):
    """The server lives and is not ready; why, it says to whoever asks, and in the log."""
    with start(LOADING="raises", LADING_LOAD_FAILURE_GRACE_S="3600") as server:
        eventually(lambda: "the weights are missing" in server.said("/health"))
        statuses = [
            httpx.get(server.url + path, timeout=PATIENCE_S).status_code for path in ("/health", "/ping")
        ]

        assert statuses == [200, 503]
        assert "the weights are missing" in server.said("/ping")
        # The master looks once a second.
        eventually(lambda: "model not loaded" in server.log)


def test_a_server_whose_model_cannot_be_loaded_ends(start):
    """After the grace the container ends with exit code 3, so that an orchestrator sees it."""
    with start(LOADING="raises", LADING_LOAD_FAILURE_GRACE_S="0") as server:
        assert server.container.get_wrapped_container().wait(timeout=PATIENCE_S)["StatusCode"] == 3
        assert "the weights are missing" in server.log
