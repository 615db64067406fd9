"""What one worker counts, and that counting it costs next to nothing."""

import time

import pytest
from lading_runtime.server.correlation import Correlation
from lading_runtime.server.events import RESTART_REASONS
from lading_runtime.server.exchange import Exchange
from lading_runtime.server.metrics import Metrics


def answered(status=200, error=None):
    """Return an exchange that has been answered, after 0.4 ms."""
    exchange = Exchange("POST", "/invocations", Correlation("order-17", None))
    exchange.end("/invocations")
    exchange.total_s = 4e-4
    exchange.status, exchange.error = status, error
    exchange.received_bytes, exchange.sent_bytes = 100, 30
    exchange.decode_s, exchange.queue_s, exchange.model_s, exchange.encode_s = 3e-5, 1e-4, 2e-4, 1e-5
    return exchange


def totals(metrics):
    """Return every count by its key."""
    return {entry.key: entry.value for entry in metrics.ledger.entries()}


def microseconds(work):
    """Return how long *work* takes: the best of many tries, for others use this machine, too."""

    def once():
        began = time.perf_counter()
        for _ in range(1000):
            work()
        return (time.perf_counter() - began) * 1e3

    return min(once() for _ in range(60))


def test_a_request_costs_little_more_than_its_additions():
    """Each of 16 scoring requests is counted in less time than 40 calls that add one number take.

    That is 4 µs where such a call takes 0.1 µs; a machine that is busy makes both slower.
    """
    metrics, exchange = Metrics(), answered()
    numbers = metrics.ledger.page(0).values

    def add():
        numbers[-1] += 1.0

    def count():
        metrics.requests([exchange] * 16)
        metrics.batch(16, 16, "idle")

    assert microseconds(count) / 16 < 40 * microseconds(add)


def test_stages_fall_into_their_buckets():
    """A time is counted in the bucket whose upper end is the first that is not below it."""
    metrics = Metrics()

    metrics.requests([answered()])

    seen = totals(metrics)
    assert seen["lading_stage_duration_seconds", "queue", "0"] == 1
    assert seen["lading_stage_duration_seconds", "model", "1"] == 1
    assert seen["lading_request_duration_seconds", "/invocations", "2"] == 1
    assert seen["lading_request_duration_seconds", "/invocations", "sum"] == pytest.approx(4e-4)


@pytest.mark.parametrize(
    ("status", "error", "refused", "missed"),
    [
        (200, None, 0, 0),
        (503, None, 0, 0),
        (503, "Overloaded", 1, 0),
        (503, "NotReady", 1, 0),
        (504, "DeadlineExceeded", 0, 1),
        (400, "SchemaViolation", 0, 0),
    ],
)
def test_refusals_and_missed_deadlines_are_told_apart(status, error, refused, missed):
    """Refused is what the server did not take; a probe that hears 503 is not, nor is a wrong request."""
    metrics = Metrics()

    metrics.requests([answered(status, error)])

    seen = totals(metrics)
    assert (seen["lading_requests_refused",], seen["lading_deadline_misses",]) == (refused, missed)


def test_restarts_that_have_not_happened_are_none():
    """Each reason to replace a model process is counted from 0, so that alerts see the first time."""
    metrics = Metrics()

    before = totals(metrics)
    metrics.model_process_replaced(RESTART_REASONS[0])

    assert [before["lading_model_process_restarts", reason] for reason in RESTART_REASONS] == [0, 0, 0, 0]
    assert totals(metrics)["lading_model_process_restarts", RESTART_REASONS[0]] == 1


def test_a_lost_model_process_uses_no_memory():
    """Until there is another, no process counts as the model's."""
    metrics = Metrics()

    metrics.model_process_ready(4711)
    metrics.model_process_replaced("it ended")

    seen = totals(metrics)
    assert seen["!pid", "model"] == 0
    assert seen["lading_model_process_restarts", "it ended"] == 1
