"""Whatever waits ends at its deadline, and not before, with one timer for all."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.deadlines import Deadlines


class Waiting:
    """Something that expires, on a clock that is set by hand."""

    def __init__(self, loop, deadline, answered_at, left_at=math.inf):
        self.loop, self.deadline = loop, deadline
        self.answered_at, self.left_at = answered_at, left_at
        self.expired_at = None

    @property
    def is_open(self):
        """Whether it was neither answered nor expired until now."""
        return self.loop.now < self.answered_at and self.expired_at is None

    @property
    def is_wanted(self):
        """Whether somebody waits for it."""
        return self.is_open and self.loop.now < self.left_at

    def expire(self):
        """Note when."""
        self.expired_at = self.loop.now


class Timer:
    """What a timer is stopped with."""

    def __init__(self, timers):
        self.timers = timers

    def cancel(self):
        """Stop it."""
        del self.timers[self]


class Clock:
    """An event loop of which only timers are used."""

    def __init__(self):
        self.now, self.timers = 0, {}

    def time(self):
        """Return the time."""
        return self.now

    def call_at(self, moment, work, context=None):
        """Set a timer."""
        handle = Timer(self.timers)
        self.timers[handle] = (moment, work)
        return handle

    def pass_to(self, now):
        """Let time pass second by second, and timers ring."""
        while self.now < now:
            self.now += 1
            for handle, (moment, work) in list(self.timers.items()):
                if moment <= self.now:
                    del self.timers[handle]
                    work()


@pytest.fixture
def clock(monkeypatch):
    """The event loop's clock."""
    made = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


moments = st.integers(min_value=1, max_value=30)


@given(plan=st.lists(st.tuples(st.integers(min_value=0, max_value=20), moments, moments), max_size=12))
def test_what_is_not_answered_in_time_expires_at_its_deadline(plan):
    """Each expires at its own deadline if it was not answered before, in whatever order they came."""
    with pytest.MonkeyPatch.context() as patch:
        loop = Clock()
        patch.setattr(asyncio, "get_running_loop", lambda: loop)
        deadlines, all_of_them = Deadlines(), []
        for came_at, within, answered_after in sorted(plan):
            loop.pass_to(came_at)
            waiting = Waiting(loop, came_at + within, came_at + answered_after)
            all_of_them.append(waiting)
            deadlines.add(waiting, waiting.deadline)
        loop.pass_to(99)

    for waiting in all_of_them:
        is_late = waiting.answered_at > waiting.deadline
        assert waiting.expired_at == (waiting.deadline if is_late else None)
    assert not loop.timers


def test_there_is_one_timer_however_many_wait(clock):
    """What comes first decides when it rings."""
    deadlines = Deadlines()
    for deadline in (9, 3, 7, 3):
        deadlines.add(Waiting(clock, deadline, 99), deadline)

    assert [moment for moment, _ in clock.timers.values()] == [3]


def test_what_was_answered_is_soon_forgotten(clock):
    """Requests that were answered do not gather until their deadlines, an hour later."""
    deadlines = Deadlines()
    for second in range(1000):
        clock.pass_to(second)
        deadlines.add(Waiting(clock, second + 3600, second + 1), second + 3600)

    assert len(deadlines) <= 2


def test_who_left_is_told_nothing(clock):
    """A request whose client has left does not expire, and keeps no other from it."""
    deadlines = Deadlines()
    left, waiting = Waiting(clock, 5, 99, left_at=2), Waiting(clock, 5, 99)
    deadlines.add(left, 5)
    deadlines.add(waiting, 5)
    clock.pass_to(9)

    assert (left.expired_at, waiting.expired_at) == (None, 5)
    assert len(deadlines) == 0
