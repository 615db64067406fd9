"""Processes that stay awake while requests come densely, and only then."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S, processor_s

REQUESTS = 10
LONGEST_US = "100000"
"""Also a busy machine asks the next question by then."""


@pytest.fixture
def client():
    """Return a client that keeps its connection."""
    with httpx.Client(timeout=PATIENCE_S) as client:
        yield client


def ask_densely(server, client):
    """Ask one question after the other on one connection."""
    for _ in range(REQUESTS):
        client.post(server.url + "/invocations", json={"prompt": "echo"}).raise_for_status()


def sleeps(pid):
    """Return how often a process has slept."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (count,) = [line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches")]
    return int(count)


def sleeps_of(pair, server, client):
    """Return how often the processes of a pair sleep while they are asked densely."""
    before = [sleeps(pid) for pid in pair]
    ask_densely(server, client)
    return [sleeps(pid) - count for pid, count in zip(pair, before, strict=True)]


def test_nobody_sleeps_between_dense_requests(start, client):
    """Worker and model process look for the next message, and are not woken up for it."""
    server = start(LADING_BUSY_POLL_US=LONGEST_US).until_ready()
    pair = [*server.workers(), server.pid_of_model()]

    # They have to learn; and where others take the processors, the next question may come later than that.
    server.eventually(lambda: max(sleeps_of(pair, server, client)) < REQUESTS / 2)


def test_it_can_be_switched_off(start, client):
    """With ``LADING_BUSY_POLL_US=0`` both sleep whenever they wait."""
    server = start(LADING_BUSY_POLL_US="0").until_ready()
    pair = [*server.workers(), server.pid_of_model()]

    assert min(sleeps_of(pair, server, client)) > REQUESTS / 2


def test_another_model_finds_its_processes_awake(start, client):
    """After SIGHUP the new processes do as those before them."""
    server = start(LADING_BUSY_POLL_US=LONGEST_US).until_ready()
    first = server.pid_of_model()
    server.process.send_signal(signal.SIGHUP)
    server.eventually(lambda: server.pid_of_model() != first and len(server.workers()) == 1)
    pair = [*server.workers(), server.pid_of_model()]

    server.eventually(lambda: max(sleeps_of(pair, server, client)) < REQUESTS / 2)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_at_rest_nobody_is_awake(start, client, workers):
    """When no more requests come, no process takes any processor time."""
    server = start(LADING_BUSY_POLL_US=LONGEST_US, MLFLOW_MODELS_WORKERS=workers).until_ready()
    for _ in range(10):
        ask_densely(server, client)
    processes = [server.process.pid, *server.children()]

    def is_at_rest():
        before_s = sum(map(processor_s, processes))
        time.sleep(1)
        return sum(map(processor_s, processes)) - before_s < 0.1

    server.eventually(is_at_rest)
