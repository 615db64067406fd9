"""The heap is given back once large bodies are gone."""

import asyncio
import subprocess
import sys
from concurrent.futures import Executor

from lading_runtime.server.heap import Heap

PROGRAM = """
import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lading_runtime.server.heap import Heap


def resident_mb():
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmRSS:"))


async def main():
    # Of a size that Python takes from glibc's heap, and glibc from no mapping of their own; in a cycle.
    blocks = [bytes(4000) for _ in range(30_000)]
    blocks.append(blocks)
    last = bytes(4000)
    before = resident_mb()
    del blocks
    kept = resident_mb()
    with ThreadPoolExecutor(1) as executor:
        heap = Heap(executor, pause_s=0)
        for _ in range(3):
            heap.trim_soon()
        await asyncio.sleep(0.05)
    # The executor has ended what it was given.
    print(before, kept, resident_mb(), len(last))


asyncio.run(main())
"""


def test_what_is_free_below_an_object_in_use_is_given_back():
    """One object at the heap's end does not keep the hundred megabytes below it."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)

    before, kept, after, _ = map(int, ended.stdout.split())
    assert kept > before - 20
    assert after < before - 90


def test_several_requests_are_one_trimming():
    """However many large requests end within the pause, the heap is trimmed once."""
    executor = CountingExecutor()

    async def end_three() -> None:
        heap = Heap(executor, pause_s=0)
        for _ in range(3):
            heap.trim_soon()
        await asyncio.wait_for(executor.is_asked.wait(), 30)

    asyncio.run(end_three())

    assert executor.count == 1


class CountingExecutor(Executor):
    """Counts what it is to do, and does nothing."""

    def __init__(self):
        self.count = 0
        self.is_asked = asyncio.Event()

    def submit(self, *_args, **_kwargs):
        """Count once more."""
        self.count += 1
        self.is_asked.set()
