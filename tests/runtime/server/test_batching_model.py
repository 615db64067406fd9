"""The batcher on the real pool, with a made-up model process and clock: whatever happens, in any order."""

import asyncio
import contextlib
import itertools
import struct
from collections import deque
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from lading_runtime.errors import ScoringError
from lading_runtime.payload import Payload
from lading_runtime.server import batching, jobs, queued, running
from lading_runtime.server import pool as pools
from lading_runtime.server.batching import Batcher
from lading_runtime.server.framing import MessageReader
from lading_runtime.server.interruption import ClientDisconnected
from lading_runtime.server.limits import BatchLimits, QueueLimits
from lading_runtime.server.pool import Pool
from lading_runtime.server.vigil import Vigil
from lading_runtime.wire import Message

from tests.runtime.server.skipping_loop import Loop

LIMIT_S = 60.0
LONG_S = 100 * LIMIT_S
"""For everything to have ended, on a clock that takes no time."""

WHILE_MODULES_ASK = (batching, jobs, pools, queued, running)
"""Who asks for the time, beside the event loop."""


class Process:
    """A model process, which doubles numbers when it is told to."""

    is_paused = False
    pid = None

    def __init__(self, world, owner):
        self._world, self._owner = world, owner
        self._said: deque[Message] = deque()
        self._is_open = False
        self.asked: deque[Message] = deque()

    async def connect(self, _control):
        """Say whether the model could be loaded."""
        self._world.process, self._is_open = self, True
        if self._world.is_broken:
            self.say({"kind": "failed", "error": {"message": "no"}})
            asyncio.get_running_loop().call_soon(self.kill)
        else:
            self.say({"kind": "ready", "pid": 1, "model": {"is_streamable": True}})

    def send(self, pieces):
        """Take what is asked."""
        data = b"".join(pieces)
        reader = MessageReader(len(data))
        reader.free()[:] = data
        self.asked.extend(each for each in reader.received(len(data)) if each.header["kind"] == "predict")

    def pause(self):
        """Be heard no more."""
        self.is_paused = True

    def resume(self):
        """Be heard again."""
        self.is_paused = False
        asyncio.get_running_loop().call_soon(self.poll)

    def poll(self):
        """Have what was said be heard."""
        while self._said and self._is_open and not self.is_paused:
            self._owner.received(self, self._said.popleft())

    def say(self, header, *buffers):
        """Say something, which is heard a little later."""
        self._said.append(Message(header, buffers))
        asyncio.get_running_loop().call_soon(self.poll)

    def kill(self):
        """End."""
        if self._is_open:
            self._is_open = False
            asyncio.get_running_loop().call_soon(self._owner.lost, self)

    close = kill

    def answer(self, **more):
        """Answer what is asked, a stream in two parts."""
        asked = self.asked.popleft()
        cells = unpacked(asked.buffers[0])
        doubled = packed([2 * cell for cell in cells])
        value = {"kind": "array", "dtype": "<f8", "shape": [len(cells)], "buffer": 0}
        said = {"id": asked.header["id"], "value": value}
        if not asked.header["stream"]:
            self.say({"kind": "prediction", **said, **more}, doubled)
            return
        self.say({"kind": "chunk", **said}, doubled)
        self.say({"kind": "chunk", **said}, doubled)
        self.say({"kind": "end", "id": asked.header["id"], **more})

    def refuse(self, source):
        """Answer with an error."""
        self.say({"kind": "error", "id": self.asked.popleft().header["id"], "error": {"source": source}})


def packed(cells):
    """Return numbers as bytes."""
    return struct.pack(f"<{len(cells)}d", *cells)


def unpacked(data):
    """Return the numbers that *data* holds."""
    return list(struct.unpack(f"<{len(data) // 8}d", data))


class Asked:
    """A request, and all that it was told."""

    def __init__(self, cells, dtype):
        node = {"kind": "array", "dtype": dtype, "shape": [len(cells)], "buffer": 0}
        self.payload = Payload(node, [packed(cells)], None)
        self.expected = [2 * cell for cell in cells]
        self.is_wanted = True
        self.told: list[Any] = []

    def answered(self, prediction):
        """Hear the answer."""
        self.told.append(unpacked(prediction.buffers[0]))

    def failed(self, error):
        """Hear that there is none."""
        self.told.append(error)

    def leave(self):
        """Hear nothing any more."""
        self.is_wanted = False
        self.told.append(ClientDisconnected())

    @property
    def is_right(self):
        """Whether it was told once, and nothing wrong."""
        ends = (ScoringError,) if self.is_wanted else (ScoringError, ClientDisconnected)
        return len(self.told) == 1 and (self.told[0] == self.expected or isinstance(self.told[0], ends))


class World:
    """A server, those who ask it, and what happens to them."""

    is_broken = False
    process: Process

    def __init__(self, max_delay_s):
        control = cast("Any", SimpleNamespace(is_serving=True, report=lambda _: None))
        self.pool = Pool(control, 5, Vigil(0))
        self.batcher = Batcher(self.pool, BatchLimits(4, max_delay_s), QueueLimits(12, 1 << 20))
        self.asked: list[Asked] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, how, rows, within_s):
        """Ask, and wait for the answer in one of three ways."""
        loop = asyncio.get_running_loop()
        times = loop.time() + within_s, loop.time() + LIMIT_S
        asked = Asked([float(100 * len(self.asked) + row) for row in range(rows)], how[1])
        self.asked.append(asked)
        if how[0] != "waiter":
            self.tasks.append(loop.create_task(self._await(how[0], asked, times)))
            self.tasks[-1].add_done_callback(lambda task: asked.leave() if task.cancelled() else None)
            return
        try:
            self.batcher.ask(asked.payload, *times, asked)
        except ScoringError as error:
            asked.failed(error)

    async def _await(self, how, asked, times):
        try:
            if how == "task":
                asked.answered(await self.batcher.predict(asked.payload, *times))
                return
            async with contextlib.aclosing(self.batcher.stream(asked.payload, times[0], LIMIT_S)) as parts:
                async for part in parts:
                    if asked.expected != unpacked(part.buffers[0]):
                        raise AssertionError(part)
            asked.told.append(asked.expected)
        except ScoringError as error:
            asked.failed(error)

    async def leave(self, number):
        """Have one of those who asked go away."""
        if self.asked and not (asked := self.asked[number % len(self.asked)]).told:
            asked.is_wanted = False

    async def cancel(self, number):
        """Have one of the tasks that wait go away."""
        if self.tasks:
            self.tasks[number % len(self.tasks)].cancel()

    async def answer(self, **more):
        """Have the model answer."""
        if self.process.asked:
            self.process.answer(**more)

    async def answer_last(self):
        """Have the model answer for the last time."""
        await self.answer(is_last=True)

    async def refuse(self, source):
        """Have the model refuse."""
        if self.process.asked:
            self.process.refuse(source)

    async def die(self):
        """Have the model process end."""
        self.process.kill()

    async def say(self, kind):
        """Have the model process say what nobody asked for."""
        self.process.say({"kind": kind, "id": 0})

    async def spoil(self, is_broken):
        """Have models not be loaded from now on, or loaded again."""
        self.is_broken = is_broken

    async def wait(self, seconds):
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def turn_on(self):
        """Have requests be joined, also if the model has not answered each row once."""
        self.batcher.turn_on(4)

    def check(self):
        """Nobody is still waiting, and nothing is left."""
        assert [asked.told for asked in self.asked if not asked.is_right] == []
        batcher, pool = self.batcher, self.pool
        assert batcher._admission.is_idle
        assert (batcher._admission._rows, batcher._admission._bytes) == (0, 0)
        assert (batcher._running, batcher._pause, batcher._due, pool._running) == (None, None, None, None)
        left = (batcher._waiting, batcher._retries, pool._waiting, batcher._deadlines)
        assert [len(each) for each in left] == [0, 0, 0, 0]


numbers = st.integers(0, 30)
hows = st.tuples(
    st.sampled_from(["waiter", "waiter", "task", "stream"]), st.sampled_from(["<f8", "<f8", "<i8"])
)
asking = st.tuples(st.just("ask"), hows, st.sampled_from([1, 1, 2, 3, 9]), st.sampled_from([5, LIMIT_S]))
happenings = st.one_of(
    asking,
    asking,
    asking,
    st.tuples(st.sampled_from(["answer", "answer", "answer_last"])),
    st.tuples(st.just("answer")),
    st.tuples(st.sampled_from(["die", "turn_on", "turn_on"])),
    st.tuples(st.just("refuse"), st.sampled_from(["model", "model", "exit", "rows"])),
    st.tuples(st.sampled_from(["leave", "cancel"]), numbers),
    st.tuples(st.just("say"), st.sampled_from(["nonsense", "prediction"])),
    st.tuples(st.just("spoil"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 40, 70])),
)
turning = st.tuples(happenings, st.integers(0, 3))
"""What happens, and how often the event loop turns before what comes next."""

histories = st.sampled_from([0, 30]).flatmap(lambda least: st.lists(turning, min_size=least, max_size=60))
"""Of long ones, too: without being asked for them, hypothesis makes few."""


async def lived(happened, max_delay_s, is_outpaced):
    """Return a world in which all of *happened* happened, and then nothing for long."""
    world, said = World(max_delay_s), itertools.cycle(is_outpaced)
    with (
        mock.patch.object(pools, "ModelProcess", lambda owner: Process(world, owner)),
        mock.patch.object(batching, "is_outpaced", side_effect=said),
    ):
        world.pool.open()
        await world.pool.until_ready()
        world.batcher.turn_on(4)
        for (name, *details), turns in happened:
            await getattr(world, name)(*details)
            for _ in range(turns):
                await asyncio.sleep(0)
        world.is_broken = False
        await asyncio.sleep(LONG_S)
        world.pool.close()
    return world


@settings(max_examples=200)
@given(histories, st.sampled_from([0.0, 0.2]), st.lists(st.booleans(), min_size=1, max_size=7))
def test_whatever_happens_everybody_is_told_once_and_nothing_is_left(happened, max_delay_s, is_outpaced):
    """Answers, errors, departures, dead and hanging processes in any order: one end for each request.

    This clock does not tell how fast the model is: it is faster than the server at random.
    """
    loop = Loop()
    clock = SimpleNamespace(perf_counter=loop.time)
    with contextlib.closing(loop), contextlib.ExitStack() as patched:
        for module in WHILE_MODULES_ASK:
            patched.enter_context(mock.patch.object(module, "time", clock))
        world = loop.run_until_complete(lived(happened, max_delay_s, is_outpaced))

    assert loop.errors == []
    world.check()
