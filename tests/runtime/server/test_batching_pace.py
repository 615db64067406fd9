"""What the batcher makes of the model's pace: who is not sent any more, and when a model hangs."""

import asyncio
import contextlib
import struct
from types import SimpleNamespace
from typing import cast

import pytest
from lading_runtime.errors import DeadlineExceeded, Overloaded
from lading_runtime.payload import Payload
from lading_runtime.server.admission import MIN_CALLS
from lading_runtime.server.batching import UNUSUAL, Batcher
from lading_runtime.server.limits import BatchLimits, QueueLimits
from lading_runtime.server.predictor import Prediction
from lading_runtime.server.running import Source
from lading_runtime.server.waiters import Awaited

from tests.runtime.turns import until_sent

CALL_S = 0.02


class OnePlace:
    """A pool that answers when it is told to, and knows what it was given."""

    is_streamable = False
    failure = None

    def __init__(self):
        self.numbers = []
        self.patience_s = []
        self.is_due = False

    def check_accepts(self):
        """Take everything."""

    def poll(self):
        """Answer, if that is due."""
        if self.is_due:
            self.succeed()

    def submit(self, payload, deadline, waiter, within_s=None):
        """Keep the payload's number."""
        self.numbers.append(struct.unpack("<d", payload.buffers[0])[0])
        self.patience_s.append(within_s)
        self.waiter = waiter

    def succeed(self):
        """Answer what was given last."""
        value = {"kind": "array", "dtype": "<f8", "shape": [1], "buffer": 0}
        self.waiter.answered(Prediction(value, [bytes(8)], 0.0, CALL_S))


def number(value):
    """A payload of one number."""
    node = {"kind": "array", "dtype": "<f8", "shape": [1], "buffer": 0}
    return Payload(node, [struct.pack("<d", value)], None)


async def paced():
    """A batcher whose model takes `CALL_S` for a call or longer, and its pool."""
    pool = OnePlace()
    batcher = Batcher(cast("Source", pool), BatchLimits(max_rows=8))
    for _ in range(MIN_CALLS):
        asked = asyncio.ensure_future(batcher.predict(number(0), asyncio.get_running_loop().time() + 60))
        await until_sent()
        await asyncio.sleep(1.5 * CALL_S)
        pool.succeed()
        await asked
    pool.numbers.clear()
    pool.patience_s.clear()
    return batcher, pool


def test_who_has_waited_too_long_never_reaches_the_model():
    """When less time is left than the model takes, a request is refused instead of being sent."""

    async def main():
        batcher, pool = await paced()
        deadline = asyncio.get_running_loop().time() + 8 * CALL_S
        asked = [
            asyncio.ensure_future(batcher.predict(number(n), at))
            for n, at in ((1, deadline + 60), (2, deadline))
        ]
        await asyncio.sleep(deadline - CALL_S / 2 - asyncio.get_running_loop().time())
        pool.succeed()
        await asyncio.wait(asked)
        return [done.exception() for done in asked], pool.numbers

    (first, late), numbers = asyncio.run(main())

    assert first is None
    assert isinstance(late, (Overloaded, DeadlineExceeded))
    assert numbers == [1]


class Counting(OnePlace):
    """A pool that knows how many rows it was given each time, with a model that takes *call_s* for a call."""

    def __init__(self, clock, call_s):
        super().__init__()
        self.rows, self.clock, self.call_s = [], clock, call_s

    def submit(self, payload, deadline, waiter, within_s=None):
        """Keep the number of rows."""
        self.rows.append(len(payload.buffers[0]) // 8)
        self.waiter = waiter

    def succeed(self):
        """Answer what was given last, one row for each of its rows, when the model has taken its time."""
        count = self.rows[-1]
        self.clock[0] += self.call_s
        value = {"kind": "array", "dtype": "<f8", "shape": [count], "buffer": 0}
        self.waiter.answered(Prediction(value, [bytes(8 * count)], 0.0, self.call_s))


@contextlib.asynccontextmanager
async def fifteen_behind_one(monkeypatch, call_s, max_rows=64):
    """A batcher whose model takes *call_s* for a call, with a request that it predicts and 15 that wait.

    It joins *max_rows*; None: it joins nothing.
    """
    clock = [0.0]
    for module in ("batching", "running"):
        stopped = SimpleNamespace(perf_counter=lambda: clock[0])
        monkeypatch.setattr(f"lading_runtime.server.{module}.time", stopped)
    pool = Counting(clock, call_s)
    batcher = Batcher(cast("Source", pool), BatchLimits(max_rows=64))
    if max_rows is not None:
        batcher.turn_on(max_rows)
    deadline = asyncio.get_running_loop().time() + 3600
    for _ in range(MIN_CALLS):
        asked = asyncio.ensure_future(batcher.predict(number(0), deadline))
        await until_sent()
        pool.succeed()
        await asked
    pool.rows.clear()
    answers = [asyncio.ensure_future(batcher.predict(number(0), deadline))]
    await until_sent()
    answers += [asyncio.ensure_future(batcher.predict(number(n), deadline)) for n in range(1, 16)]
    await until_sent()
    yield batcher, pool
    while not all(answer.done() for answer in answers):
        await until_sent()
        pool.succeed()


@pytest.mark.parametrize(("call_s", "sent"), [(1e-5, [1, 8, 7]), (CALL_S, [1, 15])])
def test_batches_that_take_turns_are_equal_unless_the_model_is_slow(monkeypatch, call_s, sent):
    """Of a fast model's 15 who wait beside one who is answered, 8 are sent; a slow model gets all of them."""

    async def main():
        async with fifteen_behind_one(monkeypatch, call_s) as (_, pool):
            pass
        return pool.rows

    assert asyncio.run(main()) == sent


@pytest.mark.parametrize(
    ("call_s", "max_rows", "at_once", "sent"),
    [
        (1e-5, 64, [1], [1, 9]),
        (CALL_S, 64, [1, 15], [1, 15]),
        # For all who wait together it takes longer than the server.
        (3e-4, None, [1, 1], [1, 1]),
        (3e-4, 4, [1, 4], [1, 4]),
    ],
)
def test_a_fast_model_waits_for_the_end_of_a_turn(monkeypatch, call_s, max_rows, at_once, sent):
    """What comes in the turn of an answer goes along; a slow model gets what is there in the same moment."""

    async def main():
        async with fifteen_behind_one(monkeypatch, call_s, max_rows) as (batcher, pool):
            loop = asyncio.get_running_loop()
            pool.succeed()
            batcher.ask(number(16), loop.time() + 60, loop.time() + 60, Awaited(loop.create_future()))
            sent_at_once = list(pool.rows)
            await until_sent()
            return sent_at_once, list(pool.rows)

    assert asyncio.run(main()) == (at_once, sent)


def test_a_model_that_is_asked_late_does_not_hang():
    """A request with less time than the model usually takes is no reason to end its process."""

    async def main():
        batcher, pool = await paced()
        deadline = asyncio.get_running_loop().time() + CALL_S / 10
        asked = asyncio.ensure_future(batcher.predict(number(1), deadline))
        await asyncio.wait([asked])
        return asked.exception(), pool.patience_s

    error, (patience_s,) = asyncio.run(main())

    assert isinstance(error, DeadlineExceeded)
    assert patience_s >= UNUSUAL * CALL_S


def test_a_model_that_is_asked_in_time_hangs_at_the_deadline():
    """Nothing but the deadline says so then."""

    async def main():
        batcher, pool = await paced()
        asked = asyncio.ensure_future(batcher.predict(number(1), asyncio.get_running_loop().time() + 3600))
        await until_sent()
        pool.succeed()
        await asked
        return pool.patience_s

    assert asyncio.run(main()) == [None]


def test_who_is_refused_sees_to_it_that_the_model_is_busy():
    """Under a flood of requests that are refused, the model's answer is not the last thing to be noticed."""

    async def main():
        pool = OnePlace()
        batcher = Batcher(cast("Source", pool), BatchLimits(max_rows=8), QueueLimits(2, 1 << 20))
        deadline = asyncio.get_running_loop().time() + 60
        asked = [asyncio.ensure_future(batcher.predict(number(n), deadline)) for n in (1, 2)]
        await until_sent()
        pool.is_due = True
        with pytest.raises(Overloaded):
            await batcher.predict(number(3), deadline)
        sent = list(pool.numbers)
        pool.succeed()
        return sent, pool.numbers, [answer.model_s for answer in await asyncio.gather(*asked)]

    sent, all_sent, answered = asyncio.run(main())

    assert sent == all_sent == [1, 2]
    assert answered == [CALL_S, CALL_S]
