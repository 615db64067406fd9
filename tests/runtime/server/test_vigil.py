"""When a worker's event loop sleeps, and when it only looks for events."""

import asyncio
import selectors
import socket
import time

import pytest
from lading_runtime.server.vigil import AHEAD, Vigil

LIMIT_S = 10.0
"""Of the event loop, by the clock of these tests."""


class Sleeps(selectors.DefaultSelector):
    """A selector that counts how often it was to wait."""

    count = 0

    def select(self, timeout=None):
        """Return what is there, or wait for it."""
        self.count += timeout is None or timeout > 0
        return super().select(timeout)


class Clock:
    """What the vigil takes for the time."""

    now_s = 1000.0


@pytest.fixture
def sleeps():
    """Count how often the event loop of `run` sleeps."""
    return Sleeps()


@pytest.fixture
def run(sleeps):
    """Return a function that runs a coroutine."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(sleeps)) as runner:
        yield runner.run


@pytest.fixture
def clock(monkeypatch):
    """Return the vigil's clock, which stands still but for what a test says."""
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now_s)
    return clock


@pytest.fixture
def vigil(clock):
    """Return a vigil that knows nothing yet."""
    return Vigil(LIMIT_S / AHEAD)


def exchange(vigil, clock, answer_s=0.1, request_s=0.1, times=20):
    """Let requests and answers come one after the other."""
    for _ in range(times):
        vigil.await_answer()
        clock.now_s += answer_s
        vigil.await_request()
        clock.now_s += request_s


async def is_sleeping(sleeps):
    """Tell whether the event loop sleeps while nothing happens."""
    await asyncio.sleep(0.01)
    before = sleeps.count
    await asyncio.sleep(0.01)
    return sleeps.count > before


def test_nobody_sleeps_between_dense_requests(run, sleeps, vigil, clock):
    """While the next request is expected at once, the event loop does not wait for events."""

    async def scenario():
        exchange(vigil, clock)
        return await is_sleeping(sleeps)

    assert not run(scenario())


def test_nobody_sleeps_while_an_answer_is_expected(run, sleeps, vigil, clock):
    """The same while the model predicts, if it usually answers at once."""

    async def scenario():
        exchange(vigil, clock)
        vigil.await_answer()
        return await is_sleeping(sleeps)

    assert not run(scenario())


def test_a_second_request_is_not_expected(run, sleeps, vigil, clock):
    """A server that has answered once does not stay awake for more."""

    async def scenario():
        exchange(vigil, clock, times=1)
        return await is_sleeping(sleeps)

    assert run(scenario())


@pytest.mark.parametrize(("passed_s", "is_over"), [(LIMIT_S * 0.9, False), (LIMIT_S * 1.1, True)])
def test_what_does_not_come_in_time_is_not_expected_any_more(run, sleeps, vigil, clock, passed_s, is_over):
    """When the limit is over, the event loop sleeps as ever."""

    async def scenario():
        exchange(vigil, clock, request_s=0)
        clock.now_s += passed_s
        return await is_sleeping(sleeps)

    assert run(scenario()) is is_over


def test_a_slow_model_is_waited_for_asleep(run, sleeps, vigil, clock):
    """A model that takes longer than the limit is not waited for awake, though requests come densely."""

    async def scenario():
        exchange(vigil, clock, answer_s=2 * LIMIT_S)
        between = await is_sleeping(sleeps)
        vigil.await_answer()
        return between, await is_sleeping(sleeps)

    assert run(scenario()) == (False, True)


def test_after_long_pauses_requests_are_waited_for_asleep(run, sleeps, vigil, clock):
    """Where requests come seldom, only their answers are waited for awake."""

    async def scenario():
        exchange(vigil, clock, request_s=2 * LIMIT_S)
        vigil.await_answer()
        between = await is_sleeping(sleeps)
        vigil.await_request()
        return between, await is_sleeping(sleeps)

    assert run(scenario()) == (False, True)


def test_without_a_limit_nothing_is_different(run, sleeps, clock):
    """A limit of zero switches it off."""

    async def scenario():
        exchange(Vigil(0), clock)
        return await is_sleeping(sleeps)

    assert run(scenario())


def test_the_event_loop_is_kept_awake_once(run, vigil, clock, monkeypatch):
    """However many messages come, one callback at a time looks whether to stay awake."""
    looks: list[None] = []
    stay_awake = vigil._stay_awake

    def noted():
        looks.append(None)
        stay_awake()

    async def scenario():
        monkeypatch.setattr(vigil, "_stay_awake", noted)
        exchange(vigil, clock)
        return len(looks)

    assert run(scenario()) == 1


def test_others_are_not_kept_waiting(run, vigil, clock):
    """Timers and events come as ever while the event loop is kept awake."""

    async def scenario():
        exchange(vigil, clock)
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop.call_later(0.01, theirs.send, b"hi")
            return await asyncio.wait_for(loop.sock_recv(ours, 2), 60)

    assert run(scenario()) == b"hi"
