"""A pool keeps one model process, and gives every payload one answer in time."""

import asyncio
import time
from pathlib import Path

import pytest
from lading_runtime.errors import DeadlineExceeded, ModelError, ModelProcessLost, NotReady
from lading_runtime.payload import Payload
from lading_runtime.server.vigil import Vigil


def run(main):
    """Run *main*, and fail where it does not end."""
    return asyncio.run(asyncio.wait_for(main, 120))


def is_alive(pid: bytes) -> bool:
    """Tell whether a process runs; one that is only waited for does not."""
    try:
        return Path(f"/proc/{pid.decode()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has_ended(pid: bytes) -> bool:
    """Tell whether a process ends, which takes the system a moment."""
    until = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_alive(pid)


def test_a_payload_is_answered(open_pool):
    """The buffers of a payload reach the model process, and its answer comes back."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            return await pool.ask("echo", b"one", b"two")

    assert run(main()) == b"onetwo"


def test_large_payloads_pass(open_pool):
    """A message may be much larger than any buffer of the socket."""
    body = bytes(range(256)) * 65536

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            return await pool.ask("echo", body)

    assert run(main()) == body


def test_an_answer_can_be_taken_before_the_event_loop_comes_to_it(open_pool):
    """Whoever keeps the event loop busy may ask for it; nothing is lost, and nothing is taken twice."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            asked = [asyncio.ensure_future(pool.ask("echo", text)) for text in (b"one", b"two")]
            await asyncio.sleep(0)
            first = pool._running
            until = time.monotonic() + 60
            while pool._running is first and time.monotonic() < until:
                pool.poll()
            return not first.is_wanted, await asyncio.gather(*asked)

    assert run(main()) == (True, [b"one", b"two"])


class Watched(Vigil):
    """A vigil that notes what is waited for."""

    def __init__(self) -> None:
        super().__init__(0)
        self.waits: list[str] = []

    def await_request(self) -> None:
        """Note it."""
        self.waits.append("request")

    def await_answer(self) -> None:
        """Note it."""
        self.waits.append("answer")


def test_requests_and_answers_are_waited_for_in_turn(open_pool):
    """From the moment when a payload is sent its answer is awaited, and from then on another payload."""
    vigil = Watched()

    async def main():
        async with open_pool(vigil=vigil) as pool:
            await pool.until_told()
            before = list(vigil.waits)
            asked = asyncio.ensure_future(pool.ask("echo", b"one"))
            await asyncio.sleep(0)
            sent = list(vigil.waits)
            await asked
            await pool.ask("echo", b"two")
            return before, sent, vigil.waits

    assert run(main()) == ([], ["answer"], ["answer", "request"] * 2)


def test_payloads_are_answered_in_their_order(open_pool):
    """Requests are served first come first served, by one process."""
    order = []

    async def main():
        async with open_pool() as pool:
            await pool.until_told()

            async def ask(number):
                await pool.ask("echo", b"%d" % number)
                order.append(number)

            await asyncio.gather(*(ask(number) for number in range(50)))

    run(main())

    assert order == list(range(50))


def test_the_times_of_queue_and_model_are_told(open_pool):
    """A prediction says how long it waited and how long it took."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            payload = Payload({"kind": "python", "value": "echo"}, [b"x"], None)
            deadline = asyncio.get_running_loop().time() + 60
            return await asyncio.gather(*(pool.predict(payload, deadline) for _ in range(2)))

    first, second = run(main())

    assert first.model_s > 0
    assert second.queue_s > first.queue_s


def test_nothing_is_taken_before_the_model_is_loaded(open_pool):
    """Payloads that come before the first process is ready are refused."""

    async def main():
        async with open_pool() as pool:
            with pytest.raises(NotReady):
                pool.check_ready()
            with pytest.raises(NotReady):
                await pool.ask("echo")

    run(main())


def test_the_master_hears_that_the_model_is_ready(open_pool):
    """The first ready process is reported, with the time that loading took."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            pool.check_ready()
            return pool.told

    (report,) = run(main())

    assert report.is_ready
    assert report.load_s == 0.5


def test_a_failed_load_is_reported_and_refuses_payloads(open_pool):
    """When the model cannot be loaded, master and clients get the reason."""

    async def main():
        async with open_pool("failed") as pool:
            await pool.until_told()
            with pytest.raises(NotReady, match="no weights"):
                await pool.ask("echo")
            return pool.told, pool.failure

    reports, failure = run(main())

    assert not reports[0].is_ready
    assert "no weights" in reports[0].reason
    assert "no weights" in failure


def test_a_load_that_failed_once_is_tried_again(open_pool):
    """A process that comes up after a failed one makes the pool ready, and the failure is forgotten."""

    async def main():
        async with open_pool("failed,dies,ready") as pool:
            await pool.until_told()
            await pool.until_told()
            assert pool.failure is None
            return await pool.ask("echo", b"1")

    assert run(main()) == b"1"


def test_a_deadline_in_the_model_kills_the_process(open_pool):
    """A prediction that takes too long gets DeadlineExceeded, its process ends, the next one is served."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            hanging = await pool.ask("pid")
            with pytest.raises(DeadlineExceeded):
                await pool.ask("hang", within_s=0.1)
            fresh = await pool.ask("pid")
            return hanging, fresh

    hanging, fresh = run(main())

    assert hanging != fresh
    assert has_ended(hanging)


def test_a_deadline_in_the_queue_leaves_the_process_alone(open_pool):
    """A payload that expires while it waits never reaches the model, which goes on predicting."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            slow = asyncio.ensure_future(pool.ask("hang"))
            await asyncio.sleep(0)
            with pytest.raises(DeadlineExceeded):
                await pool.ask("echo", within_s=0.1)
            slow.cancel()
            return is_alive(before)

    assert run(main())


def test_what_waits_survives_the_loss_of_the_process(open_pool):
    """Payloads behind one that kills the process are answered by the next process."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            return await asyncio.gather(
                pool.ask("exit"), pool.ask("echo", b"1"), pool.ask("echo", b"2"), return_exceptions=True
            )

    lost, *answers = run(main())

    assert isinstance(lost, ModelProcessLost)
    assert answers == [b"1", b"2"]


@pytest.mark.parametrize("nonsense", ["garbage", "other"])
def test_a_process_that_talks_nonsense_is_replaced(open_pool, nonsense):
    """What is no message, or answers something that nobody asked, costs the process its place."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            with pytest.raises(ModelProcessLost):
                await pool.ask(nonsense)
            return await pool.ask("echo", b"fine")

    assert run(main()) == b"fine"


def test_errors_of_the_model_are_raised(open_pool):
    """An error that the process reports is raised where the answer is awaited; the process stays."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            before = await pool.ask("pid")
            with pytest.raises(ModelError) as raised:
                await pool.ask("raise")
            assert before == await pool.ask("pid")
            return raised.value

    error = run(main())

    assert error.stack_trace == "KeyError"
    assert "x" not in error.message.split()


def test_a_client_that_leaves_while_its_prediction_hangs_costs_no_process_forever(open_pool):
    """The deadline holds for a prediction that nobody waits for any more."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            left = asyncio.ensure_future(pool.ask("hang", within_s=0.2))
            await asyncio.sleep(0)
            left.cancel()
            return await pool.ask("echo", b"next")

    assert run(main()) == b"next"


def test_a_client_that_leaves_the_queue_is_skipped(open_pool):
    """A payload whose client left while it waited is not predicted."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            first = asyncio.ensure_future(pool.ask("echo", b"1"))
            left = asyncio.ensure_future(pool.ask("exit"))
            await asyncio.sleep(0)
            left.cancel()
            return await first, await pool.ask("echo", b"2")

    assert run(main()) == (b"1", b"2")


def test_processes_that_die_before_they_are_ready_are_asked_for_again(open_pool):
    """The pool does not give up on processes that end before they say anything."""

    async def main():
        async with open_pool("dies,dies,ready") as pool:
            await pool.until_told()
            return await pool.ask("echo", b"at last")

    assert run(main()) == b"at last"


def test_a_closed_pool_ends_its_process(open_pool):
    """A model process ends when its worker does."""

    async def main():
        async with open_pool() as pool:
            await pool.until_told()
            return await pool.ask("pid")

    pid = run(main())

    assert has_ended(pid)
