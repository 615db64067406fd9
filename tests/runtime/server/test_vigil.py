"""When a worker's event loop sleeps, and when it only looks for events."""

import asyncio
import selectors
import socket

import pytest
from lading_runtime.server.vigil import Vigil

LONG_S = 30.0
"""Nothing here takes as long."""


class Sleeps(selectors.DefaultSelector):
    """A selector that counts how often it was to wait."""

    count = 0

    def select(self, timeout=None):
        """Return what is there, or wait for it."""
        self.count += timeout is None or timeout > 0
        return super().select(timeout)


@pytest.fixture
def sleeps():
    """Count how often the event loop of `run` sleeps."""
    return Sleeps()


@pytest.fixture
def run(sleeps):
    """Return a function that runs a coroutine."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(sleeps)) as runner:
        yield runner.run


def exchange(vigil: Vigil, times: int = 20) -> None:
    """Let requests and answers come one after the other, without a pause."""
    for _ in range(times):
        vigil.await_answer()
        vigil.await_request()


async def pause(wait_s: float = 0.05) -> None:
    """Do nothing: the event loop sleeps until a timer wakes it, unless something keeps it awake."""
    await asyncio.sleep(wait_s)


def test_nobody_sleeps_between_dense_requests(run, sleeps):
    """While the next request is expected at once, the event loop does not wait for events."""

    async def scenario():
        exchange(Vigil(LONG_S))
        await pause()

    run(scenario())

    assert sleeps.count == 0


def test_nobody_sleeps_while_an_answer_is_expected(run, sleeps):
    """The same while the model predicts, if it usually answers at once."""

    async def scenario():
        vigil = Vigil(LONG_S)
        exchange(vigil)
        vigil.await_answer()
        await pause()

    run(scenario())

    assert sleeps.count == 0


def test_a_first_request_is_not_waited_for_awake(run, sleeps):
    """Nothing is expected of a server that has answered once."""

    async def scenario():
        exchange(Vigil(LONG_S), times=1)
        await pause()

    run(scenario())

    assert sleeps.count > 0


def test_what_does_not_come_is_not_waited_for_awake(run, sleeps):
    """When the limit is over, the event loop sleeps as ever, and for good."""

    async def scenario():
        exchange(Vigil(1e-3))
        await pause(0.2)
        before = sleeps.count
        await pause(0.2)
        return before

    before = run(scenario())

    assert (before, sleeps.count) == (1, 2)


def test_a_slow_model_is_waited_for_asleep(run, sleeps):
    """A model that takes longer than the limit is not looked for, though requests come densely."""

    async def scenario():
        vigil = Vigil(1e-3)
        for _ in range(20):
            vigil.await_answer()
            await pause(0.02)
            vigil.await_request()
        before = sleeps.count
        vigil.await_answer()
        await pause(0.02)
        return sleeps.count - before

    assert run(scenario()) == 1


def test_without_a_limit_nothing_is_different(run, sleeps):
    """A limit of zero switches it off."""

    async def scenario():
        exchange(Vigil(0))
        await pause()

    run(scenario())

    assert sleeps.count == 1


def test_others_are_not_kept_waiting(run):
    """Timers and events come as ever while the event loop is kept awake."""

    async def scenario():
        exchange(Vigil(LONG_S))
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop.call_later(0.01, theirs.send, b"hi")
            return await asyncio.wait_for(loop.sock_recv(ours, 2), LONG_S)

    assert run(scenario()) == b"hi"
