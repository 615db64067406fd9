"""Model processes share the processors that the container has."""

import pytest
from lading_runtime.server.threads import COUNTS, WAIT_POLICY, thread_variables


@pytest.mark.parametrize(
    ("cpus", "pairs", "threads"), [(4, 1, "4"), (4, 2, "2"), (2.5, 1, "2"), (0.5, 1, "1"), (2, 8, "1")]
)
def test_each_process_gets_its_share(cpus, pairs, threads):
    """As many threads as whole processors for each process, and at least one; they sleep while they wait."""
    assert thread_variables({}, cpus, pairs) == {**dict.fromkeys(COUNTS, threads), WAIT_POLICY: "PASSIVE"}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_that_somebody_has_set_is_the_only_one(name):
    """Libraries that do not know that variable follow the others, as they would without us."""
    assert thread_variables({name: "3"}, 8, 2) == {WAIT_POLICY: "PASSIVE"}


def test_how_threads_wait_can_be_set():
    """Who wants them to spin says so."""
    assert WAIT_POLICY not in thread_variables({WAIT_POLICY: "ACTIVE"}, 8, 2)
