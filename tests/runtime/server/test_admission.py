"""Who is let in: the pace of the model, and what may be open at a time."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import Overloaded
from lading_runtime.server.admission import HEADROOM, MIN_CALLS, Admission, Pace
from lading_runtime.server.limits import QueueLimits

ROOMY = QueueLimits(sys.maxsize, sys.maxsize)


def paced(calls):
    """A pace that has seen *calls* of rows and seconds."""
    pace = Pace()
    for rows, seconds in calls:
        pace.note(rows, seconds)
    return pace


@given(per_call_s=st.floats(1e-4, 1), per_row_s=st.floats(1e-6, 1e-2))
def test_the_pace_is_so_much_per_call_and_so_much_per_row(per_call_s, per_row_s):
    """From calls of different sizes both are known."""
    pace = paced((rows, per_call_s + rows * per_row_s) for rows in (1, 64, 7, 30, 1, 100, 16, 50))

    assert pace.seconds(3, 500) == pytest.approx(3 * per_call_s + 500 * per_row_s, rel=0.01)


def test_calls_of_one_size_say_how_long_a_call_takes():
    """Rows are not told apart from calls then."""
    assert paced([(8, 0.5)] * MIN_CALLS).seconds(2, 16) == pytest.approx(1.0)


def test_a_pace_is_not_believed_before_some_calls():
    """The first calls of a model are slow: nobody is refused because of them."""
    assert paced([(1, 10.0)] * (MIN_CALLS - 1)).seconds(1, 1) == 0.0


def admission(limits=ROOMY, call_s=1.0, waiting=()):
    """An admission whose model takes so long for a call, with so many rows and bytes per open request."""
    found = Admission(limits)
    for _ in range(MIN_CALLS):
        found.pace.note(1, call_s)
    for rows, size_bytes in waiting:
        found.enter(rows, size_bytes)
    return found


def test_who_would_be_answered_too_late_is_refused_at_once():
    """It is told when the queue will be shorter."""
    open_ones = admission(waiting=[(1, 8)] * 4)

    open_ones.check(1, 8, within_s=5.5 / HEADROOM, batch_rows=None)
    with pytest.raises(Overloaded) as refused:
        open_ones.check(1, 8, within_s=4.5 / HEADROOM, batch_rows=None)
    assert refused.value.retry_after_s == math.ceil(5.0)


def test_requests_that_are_predicted_together_take_one_call():
    """A batch that runs, and the next one."""
    admission(waiting=[(1, 8)] * 100).check(1, 8, within_s=2.5, batch_rows=1000)


@pytest.mark.parametrize("limits", [QueueLimits(3, sys.maxsize), QueueLimits(sys.maxsize, 24)])
def test_a_full_queue_takes_nobody(limits):
    """Rows and bytes are bounded, until some are answered."""
    full = admission(limits, call_s=0.0, waiting=[(1, 8)] * 3)

    with pytest.raises(Overloaded):
        full.check(1, 8, math.inf, None)
    full.leave(1, 8)
    full.check(1, 8, math.inf, None)


def test_an_idle_server_tries_whatever_comes():
    """A request that is larger than the queue, or slower than its deadline, is not refused without a try."""
    admission(QueueLimits(1, 1), call_s=10.0).check(1000, 1000, within_s=0.1, batch_rows=None)
