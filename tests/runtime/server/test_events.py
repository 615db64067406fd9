"""What is told of batches and model processes: how much the model is given, and why now."""

import asyncio
import struct

import pytest
from lading_runtime.payload import Payload
from lading_runtime.server.batching import Batcher
from lading_runtime.server.events import Unheard
from lading_runtime.server.limits import BatchLimits

from tests.runtime.turns import until_sent

RAISES, EXITS = -1.0, -2.0


class Heard(Unheard):
    """Events as they came."""

    def __init__(self):
        self.batches = []
        self.processes = []

    def batch(self, requests, rows, reason):
        """Note it."""
        self.batches.append((requests, rows, reason))

    def model_process_ready(self, pid):
        """Note it."""
        self.processes.append("ready")

    def model_process_replaced(self, reason):
        """Note it."""
        self.processes.append(reason)


def numbers(*values):
    """A payload of numbers, one per row."""
    node = {"kind": "array", "dtype": "<f8", "shape": [len(values)], "buffer": 0}
    return Payload(node, [struct.pack(f"<{len(values)}d", *values)], None)


def heard(open_pool, payloads, limits):
    """What is told while payloads are answered: one, and others that come while it is predicted."""
    events = Heard()

    async def main():
        async with open_pool() as pool:
            pool.events = events
            await pool.until_ready()
            batcher = Batcher(pool, limits)
            batcher.events = events
            batcher.turn_on(limits.max_rows)
            deadline = asyncio.get_running_loop().time() + 60
            first = asyncio.ensure_future(batcher.predict(payloads[0], deadline))
            await until_sent()
            others = [batcher.predict(payload, deadline) for payload in payloads[1:]]
            await asyncio.gather(first, *others, return_exceptions=True)
            await pool.until_ready()

    asyncio.run(main())
    return events


@pytest.mark.parametrize(
    ("payloads", "limits", "batches"),
    [
        (
            [numbers(1), numbers(2), numbers(3, 4)],
            BatchLimits(max_rows=8),
            [(1, 1, "idle"), (2, 3, "answered")],
        ),
        (
            [numbers(1), numbers(2), numbers(3), numbers(4)],
            BatchLimits(max_rows=2),
            [(1, 1, "idle"), (2, 2, "full"), (1, 1, "answered")],
        ),
        ([numbers(1), numbers(2)], BatchLimits(max_rows=8, max_delay_s=0.05), [(2, 2, "delay")]),
        (
            [numbers(1), numbers(2), numbers(RAISES)],
            BatchLimits(max_rows=8),
            [(1, 1, "idle"), (2, 2, "answered"), (1, 1, "retry"), (1, 1, "retry")],
        ),
    ],
)
def test_every_batch_is_told_with_its_reason(open_pool, payloads, limits, batches):
    """A batch goes because the model was idle or answered, is full, waited enough, or failed before."""
    assert heard(open_pool, payloads, limits).batches == batches


def test_a_lost_model_process_is_told_with_its_reason(open_pool):
    """A process that ends while it predicts is told as lost; the one that is there first, as ready."""
    assert heard(open_pool, [numbers(EXITS)], BatchLimits(max_rows=8)).processes[:2] == ["ready", "it ended"]
