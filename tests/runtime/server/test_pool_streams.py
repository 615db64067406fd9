"""A pool hands the parts of an answer on as they come, and ends streams that nobody wants."""

import asyncio
from contextlib import aclosing

import pytest
from lading_runtime.errors import DeadlineExceeded, ModelError, ModelProcessLost, NotReady
from lading_runtime.payload import Payload

LARGE = b"x" * 1_000_000


def run(main):
    """Run *main*, and fail where it does not end."""
    return asyncio.run(asyncio.wait_for(main, 60))


async def all_of(parts):
    """Return every part."""
    return [part async for part in parts]


async def until_error(parts):
    """Return how many parts came before the error, and the error."""
    count = 0
    try:
        async for _ in parts:
            count += 1
    except (DeadlineExceeded, ModelError, ModelProcessLost) as error:
        return count, error
    return count, None


def test_parts_come_in_their_order_and_end(open_pool):
    """A stream gives each part that the model process sends, small or large, and ends with it."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            small = await all_of(pool.parts("parts 300", b"x"))
            large = await all_of(pool.parts("parts 20", LARGE))
            return small, large, await pool.ask("echo", b"next")

    small, large, after = run(main())

    assert (small, large, after) == ([b"x"] * 300, [LARGE] * 20, b"next")


def test_a_pool_knows_whether_its_model_streams(open_pool):
    """Whether the model can answer in parts is known when it is ready."""

    async def main():
        async with open_pool() as pool:
            before = pool.is_streamable
            await pool.until_told()
            return before, pool.is_streamable

    assert run(main()) == (False, True)


def test_streams_wait_for_a_model(open_pool):
    """Before the model is loaded no stream is taken."""

    async def main():
        async with open_pool() as pool:
            with pytest.raises(NotReady):
                await all_of(pool.parts("parts 1"))

    run(main())


def test_an_error_follows_the_parts(open_pool):
    """Where the process reports an error in place of the next part, it is raised there."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            return await until_error(pool.parts("parts 2 raise"))

    count, error = run(main())

    assert count == 2
    assert isinstance(error, ModelError)


def test_the_next_part_has_its_own_time(open_pool):
    """A stream whose next part does not come in time fails, and its process is replaced."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            told = await until_error(pool.parts("parts 1 hang", between_s=0.1))
            return told, before != await pool.ask("pid")

    (count, error), is_replaced = run(main())

    assert (count, type(error), is_replaced) == (1, DeadlineExceeded, True)


def test_the_time_of_who_takes_the_parts_is_not_the_models(open_pool):
    """While a part waits to be taken no clock runs against the model."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            taken: list[bytes] = []
            async for part in pool.parts("parts 3", LARGE, between_s=1):
                await asyncio.sleep(0 if taken else 1.5)
                taken.append(part)
            return taken

    assert run(main()) == [LARGE] * 3


def test_a_stream_that_is_left_ends(open_pool):
    """Who stops taking parts ends the stream; the same process answers what comes next."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            async with aclosing(pool.parts("parts 1000000000", LARGE)) as parts:
                await anext(parts)
            return before == await pool.ask("pid")

    assert run(main())


def test_a_stream_that_is_left_and_does_not_end_costs_its_process(open_pool):
    """A process that does not end a stream in the time that it has is replaced."""

    async def main():
        async with open_pool(close_s=0.2) as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            async with aclosing(pool.parts("parts 1 hang")) as parts:
                await anext(parts)
            return before != await pool.ask("pid")

    assert run(main())


def test_a_stream_that_is_left_in_the_queue_is_never_begun(open_pool):
    """A stream whose taker goes away while it waits does not reach the model."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            first = asyncio.ensure_future(pool.ask("echo", b"1"))
            left = asyncio.ensure_future(all_of(pool.parts("parts 1 hang")))
            await asyncio.sleep(0)
            left.cancel()
            return await first, before == await pool.ask("pid")

    assert run(main()) == (b"1", True)


def test_a_lost_process_ends_its_stream(open_pool):
    """When the process ends in the middle, so does the stream, after the parts that have come."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            with pytest.raises(ModelProcessLost):
                await all_of(pool.parts("exit"))
            return await pool.ask("echo", b"next")

    assert run(main()) == b"next"


def test_the_times_of_a_stream_are_told(open_pool):
    """Each part says how long the payload waited, and how long the model has taken until then."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            payload = Payload({"kind": "python", "value": "parts 3"}, [], None)
            deadline = asyncio.get_running_loop().time() + 60
            return [part async for part in pool.stream(payload, deadline, between_s=60)]

    first, *_, last = run(main())

    assert first.queue_s >= 0
    assert 0 < first.model_s <= last.model_s
