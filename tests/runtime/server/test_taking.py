"""How long a client may hold a connection on which nothing more is written."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from lading_runtime.server.taking import Farewell

from tests.runtime.server.skipping_loop import Loop

TIMEOUT_S = 20.0
THEN_S = 3.0
SOON_S = 1e-6
"""More than the clock's rounding."""


class Transport:
    """What a client takes of its answer, and when it is hung up on."""

    def __init__(self, written_bytes: int, taken_bytes_per_s: float) -> None:
        self.written_bytes = written_bytes
        self._taken_bytes_per_s = taken_bytes_per_s
        self._loop = asyncio.get_running_loop()
        self.aborted_at_s: float | None = None

    def get_write_buffer_size(self) -> int:
        """Return what the client has not taken."""
        return max(0, round(self.written_bytes - self._taken_bytes_per_s * self._loop.time()))

    def get_extra_info(self, _name: str) -> None:
        """Return no socket: what has not been sent must do."""

    def abort(self) -> None:
        """Hang up."""
        self.aborted_at_s = self._loop.time()


def hung_up_after_s(
    written_bytes: int, taken_bytes_per_s: float, begin: Callable[[Any], Any]
) -> float | None:
    """Return when a client is hung up on that takes an answer; *begin* gets its transport."""

    async def main() -> float | None:
        transport = Transport(written_bytes, taken_bytes_per_s)
        kept = begin(transport)
        await asyncio.sleep(1000)
        assert kept is not None
        return transport.aborted_at_s

    with contextlib.closing(Loop()) as loop:
        return loop.run_until_complete(main())


def farewell(transport: Any) -> Farewell:
    """End a connection."""
    return Farewell(transport, TIMEOUT_S, THEN_S)


@pytest.mark.parametrize(
    ("written_bytes", "taken_bytes_per_s", "after_s"),
    [
        (0, 0, THEN_S),  # it has its answer
        (100, 0, TIMEOUT_S),  # it takes none
        (100, 10, 10 + THEN_S),  # it has all, and then leaves no more than others
        (100, 1, 100 + THEN_S),  # it takes some each time
    ],
)
def test_who_takes_an_answer_is_waited_for(written_bytes, taken_bytes_per_s, after_s):
    """As long as a client takes some of its answer it is not cut off, and then it has a moment to leave."""
    found_s = hung_up_after_s(written_bytes, taken_bytes_per_s, farewell)

    assert found_s is not None
    assert -SOON_S <= found_s - after_s <= THEN_S + SOON_S  # it is looked for each moment


def test_what_is_written_at_once_is_not_waited_for():
    """An answer that is sent at the end of the loop's turn is not waited for as one that is not taken."""

    def begin(transport: Any) -> Farewell:
        transport.written_bytes = 100
        asyncio.get_running_loop().call_soon(setattr, transport, "written_bytes", 0)
        return farewell(transport)

    assert hung_up_after_s(0, 0, begin) == pytest.approx(2 * THEN_S, abs=SOON_S)


def test_a_client_that_has_left_is_not_hung_up_on():
    """Nothing is done to a connection that has ended."""

    def begin(transport: Any) -> Farewell:
        made = farewell(transport)
        asyncio.get_running_loop().call_later(1, made.cancel)
        return made

    assert hung_up_after_s(0, 0, begin) is None
