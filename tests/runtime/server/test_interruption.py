"""What a request awaits ends when its time runs out or its client leaves."""

import asyncio

import pytest
from lading_runtime.server.interruption import ClientDisconnected, Cutoff, Presence


def run(main):
    """Run *main*, and fail where it does not end."""
    return asyncio.run(asyncio.wait_for(main, 60))


def receiving(*kinds):
    """Return an ASGI ``receive`` that gives messages of these kinds, and then waits for ever."""
    left = iter(kinds)

    async def receive():
        kind = next(left, None)
        if kind is None:
            await asyncio.Event().wait()
        return {"type": kind}

    return receive


def test_time_that_runs_out_raises_the_error():
    """What is awaited at the deadline is cancelled, and the error that was given raised."""

    async def main():
        with Cutoff(asyncio.get_running_loop().time() + 0.01, ValueError("late")):
            await asyncio.Event().wait()

    with pytest.raises(ValueError, match="late"):
        run(main())


def test_what_is_done_in_time_is_left_alone():
    """After the end of a cutoff its deadline means nothing."""

    async def main():
        with Cutoff(asyncio.get_running_loop().time() + 0.01, ValueError("late")):
            pass
        await asyncio.sleep(0.03)
        return "done"

    assert run(main()) == "done"


def test_a_client_that_leaves_interrupts():
    """What is awaited when the client disconnects is cancelled; other messages mean nothing."""

    async def main():
        with Presence(receiving("http.request", "http.disconnect")):
            await asyncio.Event().wait()

    with pytest.raises(ClientDisconnected):
        run(main())


def test_a_client_that_stays_is_not_watched_for_ever():
    """Nothing is left running when the answer has been given."""

    async def main():
        with Presence(receiving()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert run(main()) == 2  # this one, and the one that waits for it


def test_a_cancellation_by_somebody_else_stays_one():
    """Who cancels the request from outside is not told that its time had run out."""

    async def main():
        async def wait():
            with Presence(receiving()), Cutoff(asyncio.get_running_loop().time() + 60, ValueError("late")):
                await asyncio.Event().wait()

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await waiting

    with pytest.raises(asyncio.CancelledError):
        run(main())


def test_errors_pass():
    """An error of what was awaited is not touched."""

    async def main():
        with Presence(receiving()):
            raise KeyError

    with pytest.raises(KeyError):
        run(main())
