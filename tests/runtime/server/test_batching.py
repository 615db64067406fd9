"""The batcher on a pool whose fake model doubles numbers, and does harm when it is told so."""

import asyncio
import struct
import time

import pytest
from lading_runtime.errors import DeadlineExceeded, ModelError, ModelProcessLost, ScoringError
from lading_runtime.payload import Payload
from lading_runtime.server.batching import Batcher
from lading_runtime.server.limits import BatchLimits
from lading_runtime.wire import Buffer

from tests.runtime.turns import until_sent

RAISES, EXITS, HANGS, COUNTS = -1.0, -2.0, -3.0, -4.0

LIMITS = BatchLimits(max_rows=8)


def numbers(*values, scale=None):
    """A payload of numbers, one per row."""
    node = {"kind": "array", "dtype": "<f8", "shape": [len(values)], "buffer": 0}
    params = None if scale is None else {"kind": "dict", "items": [["scale", {"kind": "json", "buffer": 1}]]}
    buffers: list[Buffer] = [struct.pack(f"<{len(values)}d", *values)]
    return Payload(node, buffers if scale is None else [*buffers, scale], params)


def recorded(pool):
    """The batches that a pool is given from now on."""
    batches = []
    submit = pool.submit

    def note(payload, *others):
        batches.append(plain(payload))
        submit(payload, *others)

    pool.submit = note
    return batches


def answered(
    open_pool, payloads, *, within_s=60.0, limits=LIMITS, joined=LIMITS.max_rows, is_first_alone=True
):
    """The answers to payloads, errors among them, and the batches that the model saw.

    The first of them comes alone, the others while the model predicts it; or all come in one turn. So many
    rows of several as are *joined* go together; None: they do not.
    """

    async def main():
        async with open_pool() as pool:
            await pool.until_ready()
            batches = recorded(pool)
            batcher = Batcher(pool, limits)
            if joined is not None:
                batcher.turn_on(joined)
            deadline = asyncio.get_running_loop().time() + within_s
            first = asyncio.ensure_future(batcher.predict(payloads[0], deadline))
            if is_first_alone:
                await until_sent()
            others = [batcher.predict(payload, deadline) for payload in payloads[1:]]
            answers = await asyncio.gather(first, *others, return_exceptions=True)
            return [plain(answer) for answer in answers], batches

    return asyncio.run(main())


def plain(answer):
    """The numbers of an answer, or its error."""
    if isinstance(answer, BaseException):
        return answer
    buffer = answer.buffers[0]
    return list(struct.unpack(f"<{len(buffer) // 8}d", buffer))


def test_what_waits_is_sent_together_when_the_model_is_free(open_pool):
    """The first request goes at once and alone, those that come meanwhile go together."""
    answers, batches = answered(open_pool, [numbers(1), numbers(2), numbers(3, 4), numbers(5)])

    assert answers == [[2], [4], [6, 8], [10]]
    assert batches == [[1], [2, 3, 4, 5]]


def test_what_comes_in_one_turn_is_sent_together(open_pool):
    """Requests that are there at the same time need not wait for the first of them."""
    _, batches = answered(open_pool, [numbers(value) for value in range(4)], is_first_alone=False)

    assert batches == [[0, 1, 2, 3]]


def test_nothing_is_joined_until_it_is_turned_on(open_pool):
    """Without the model's proof each request is predicted alone, in order."""
    answers, batches = answered(open_pool, [numbers(1), numbers(2), numbers(3)], joined=None)

    assert answers == [[2], [4], [6]]
    assert batches == [[1], [2], [3]]


def test_a_batch_has_no_more_rows_than_it_may(open_pool):
    """Requests that do not fit wait for the next batch."""
    payloads = [numbers(0), numbers(1, 2), numbers(3, 4), numbers(5, 6)]
    answers, batches = answered(open_pool, payloads, limits=BatchLimits(max_rows=4), joined=4)

    assert answers == [[0], [2, 4], [6, 8], [10, 12]]
    assert batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_large_request_is_cut(open_pool):
    """A request with more rows than a batch becomes several, and its answer is whole."""
    answers, batches = answered(open_pool, [numbers(*range(10))], limits=BatchLimits(max_rows=4), joined=4)

    assert answers == [[2 * number for number in range(10)]]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_requests_with_other_params_are_other_batches(open_pool):
    """Only equal params share a batch."""
    payloads = [numbers(0), numbers(1, scale=b"1"), numbers(2, scale=b"2"), numbers(3, scale=b"1")]
    answers, batches = answered(open_pool, payloads)

    assert answers == [[0], [2], [4], [6]]
    assert batches == [[0], [1, 3], [2]]


@pytest.mark.parametrize(("harm", "error"), [(RAISES, ModelError), (EXITS, ModelProcessLost)])
def test_only_the_request_to_blame_gets_the_error(open_pool, harm, error):
    """A batch that fails is bisected: one error, and answers for all others."""
    payloads = [numbers(0), *(numbers(number) for number in (1, 2, harm, 4, 5))]
    answers, _ = answered(open_pool, payloads)

    assert isinstance(answers.pop(3), error)
    assert answers == [[0], [2], [4], [8], [10]]


def test_a_request_that_hangs_harms_no_other(open_pool):
    """A batch that takes too long is killed and bisected; only who hangs is out of time."""
    payloads = [numbers(0), *(numbers(number) for number in (1, HANGS, 3))]
    answers, _ = answered(open_pool, payloads, within_s=6)

    assert isinstance(answers.pop(2), DeadlineExceeded)
    assert answers == [[0], [2], [6]]


def test_what_the_model_was_not_tried_with_is_not_joined_and_not_cut(open_pool):
    """Of several requests, as many rows go together as the model was tried with; one goes as a whole."""
    payloads = [numbers(0), numbers(1, 2, 3), numbers(4), numbers(5), numbers(6), numbers(*range(6))]
    _, batches = answered(open_pool, payloads, limits=BatchLimits(max_rows=4), joined=2)

    assert batches == [[0], [1, 2, 3], [4, 5], [6], [0, 1, 2, 3], [4, 5]]


def test_an_answer_that_is_not_by_rows_ends_batching(open_pool):
    """Each request is asked alone then, and nothing is joined any more."""
    answers, batches = answered(open_pool, [numbers(0), numbers(1), numbers(COUNTS), numbers(3)])

    assert answers == [[0], [2], [1], [6]]
    assert batches[:2] == [[0], [1, COUNTS, 3]]


def test_an_expired_request_never_reaches_the_model(open_pool):
    """It is answered when its time is up, and the batch goes without it."""

    async def main():
        async with open_pool() as pool:
            await pool.until_ready()
            batches = recorded(pool)
            batcher = Batcher(pool, BatchLimits(max_rows=8))
            batcher.turn_on(8)
            now = asyncio.get_running_loop().time()
            hanging = asyncio.ensure_future(batcher.predict(numbers(HANGS), now + 0.5))
            await until_sent()
            late, timely = batcher.predict(numbers(1), now + 0.1), batcher.predict(numbers(2), now + 60)
            answers = await asyncio.gather(hanging, late, timely, return_exceptions=True)
            return [type(plain(answer)) for answer in answers], batches

    kinds, batches = asyncio.run(main())

    assert kinds == [DeadlineExceeded, DeadlineExceeded, list]
    assert batches == [[HANGS], [2]]


def test_an_idle_model_waits_for_others_only_as_long_as_it_is_told(open_pool):
    """With a delay the first request of a batch waits that long, or until the batch is full."""
    limits = BatchLimits(max_rows=3, max_delay_s=0.2)
    began = time.perf_counter()
    answers, batches = answered(
        open_pool, [numbers(1), numbers(2), numbers(3), numbers(4)], limits=limits, joined=3
    )

    assert time.perf_counter() - began >= limits.max_delay_s
    assert answers == [[2], [4], [6], [8]]
    assert batches == [[1, 2, 3], [4]]


def test_a_model_that_cannot_be_loaded_refuses_everybody(open_pool):
    """No request waits for a model that never comes."""

    async def main():
        async with open_pool("failed") as pool:
            await pool.until_told()
            await Batcher(pool, BatchLimits(max_rows=8)).predict(numbers(1), 10)

    with pytest.raises(ScoringError, match="no weights"):
        asyncio.run(main())
