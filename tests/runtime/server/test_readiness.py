"""A server is ready when the last of its workers can answer."""

import os

from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.readiness import SLOTS, Readiness


@given(st.integers(1, 50).flatmap(lambda count: st.permutations(range(1, count + 1))))
def test_the_last_worker_makes_the_server_ready(numbers):
    """In whatever order workers arrive or end, it is the last one that is waited for."""
    readiness = Readiness(len(numbers))
    seen = []
    for number in numbers:
        readiness.leave(number)
        seen.append(readiness.is_serving)

    assert seen == [False] * (len(numbers) - 1) + [True]


def test_processes_share_it():
    """What a forked worker says, all others know."""
    readiness = Readiness(1)
    pid = os.fork()
    if pid == 0:
        readiness.join(1)
        readiness.arrive()
        os._exit(0)
    os.waitpid(pid, 0)

    assert readiness.is_serving
    assert readiness.have_arrived([1])


def test_a_server_that_serves_goes_on():
    """A worker that comes later, and is not ready yet, does not make the server unready."""
    readiness = Readiness(1)
    readiness.leave(1)
    readiness.join(1 + SLOTS)

    assert readiness.is_serving
    assert not readiness.have_arrived([1 + SLOTS])
