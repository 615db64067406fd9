"""Processes that stay awake while requests come densely, and only then."""

import os
import time
from pathlib import Path

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S

REQUESTS = 100
LONGEST_US = "10000"
"""Also a busy machine asks the next question by then, most of the time."""


def ask_densely(server):
    """Ask one question after the other on one connection."""
    with httpx.Client(timeout=PATIENCE_S) as client:
        for _ in range(REQUESTS):
            client.post(server.url + "/invocations", json={"prompt": "echo"}).raise_for_status()


def sleeps(pid):
    """Return how often a process has slept."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (count,) = [line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches")]
    return int(count)


def cpu_s(pid):
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sleeps_of_a_pair(server):
    """Return how often the worker and the model process sleep while they are asked densely."""
    pair = [*server.workers(), server.pid_of_model()]
    before = [sleeps(pid) for pid in pair]
    ask_densely(server)
    return [sleeps(pid) - count for pid, count in zip(pair, before, strict=True)]


def test_nobody_sleeps_between_dense_requests(start):
    """Worker and model process look for the next message, and are not woken up for it."""
    server = start(LADING_BUSY_POLL_US=LONGEST_US).until_ready()

    # They have to learn; and where others take the processors, the next question may come later than that.
    server.eventually(lambda: max(sleeps_of_a_pair(server)) < REQUESTS / 2)


def test_it_can_be_switched_off(start):
    """With ``LADING_BUSY_POLL_US=0`` both sleep whenever they wait."""
    server = start(LADING_BUSY_POLL_US="0").until_ready()
    ask_densely(server)

    assert min(sleeps_of_a_pair(server)) > REQUESTS / 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_at_rest_nobody_is_awake(start, workers):
    """When no more requests come, no process takes any processor time."""
    server = start(LADING_BUSY_POLL_US=LONGEST_US, MLFLOW_MODELS_WORKERS=workers).until_ready()
    ask_densely(server)
    processes = [server.process.pid, *server.children()]
    before_s = sum(map(cpu_s, processes))
    time.sleep(1)

    assert sum(map(cpu_s, processes)) - before_s < 0.5
