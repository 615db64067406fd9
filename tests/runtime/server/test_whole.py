"""A request that came whole gets one answer, in one piece."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from lading_runtime.server.heads import Head
from lading_runtime.server.whole import DefaultLines, Whole

DATE = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
CLOSE = (b"connection", b"close")


class Carrier:
    """A connection that remembers what it was told."""

    def __init__(self, default_headers):
        self.server_state = SimpleNamespace(default_headers=default_headers)
        self.flow = SimpleNamespace(write_paused=False)
        self.transport = self
        self.tasks = set()
        self.said = []

    def write(self, data):
        """Take an answer."""
        self.said.append(data)

    def close(self):
        """Be hung up."""
        self.said.append("closed")

    def end(self):
        """Hear that nothing may come behind an answer."""
        self.said.append("ended")

    def on_response_complete(self):
        """Hear that an answer is complete."""
        self.said.append("complete")


def answered(*default_headers, keep_alive=True, is_gone=False):
    """Return what a carrier is told when a request on it is answered."""
    carrier: Any = Carrier([*default_headers])
    whole = Whole(carrier, Head(b"/invocations", [], keep_alive=keep_alive))
    whole.disconnected = is_gone
    whole.respond(200, b"content-length: 2\r\n", b"{}")
    return carrier.said


def test_an_answer_is_one_piece():
    """Status, the headers of every answer, those of this one, and the body are written at once."""
    head = b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-length: 2\r\n\r\n"

    assert answered(DATE) == [head + b"{}", "complete"]


def test_a_client_that_wants_no_further_answer_is_told_so():
    """The last answer on a connection says that it is, and ends it."""
    said = answered(keep_alive=False)

    assert said == [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        "ended",
        "complete",
    ]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_worker_that_drains_says_so_once(keep_alive):
    """Where every answer ends its connection, no answer says it twice."""
    said = answered(CLOSE, keep_alive=keep_alive)

    assert said[0].count(b"connection: close") == 1
    assert said[1:] == ["ended", "complete"]


def test_nothing_is_said_to_a_client_that_left():
    """An answer for nobody is not written."""
    assert answered(is_gone=True) == []


def worked(work, **flow):
    """Return what a carrier is told when *work* is done for a whole request on it."""
    carrier: Any = Carrier([])
    carrier.flow = SimpleNamespace(**{"write_paused": False, **flow})

    async def main():
        carrier.loop = asyncio.get_running_loop()
        work(Whole(carrier, Head(b"/", [], keep_alive=True)))
        while carrier.tasks:
            await asyncio.wait(carrier.tasks)

    asyncio.run(main())
    return carrier.said


def test_who_is_not_answered_is_hung_up_on():
    """A connection whose request ended without an answer does not wait for one for ever."""

    async def nothing():
        """End."""

    assert worked(lambda whole: whole.run(nothing())) == ["ended"]


def test_a_client_that_takes_nothing_is_answered_when_it_does():
    """While what was written before waits for the client, an answer waits behind it."""

    async def drain():
        """Let the client take what is there."""

    said = worked(lambda whole: whole.respond(200, b"", b"{}"), write_paused=True, drain=drain)

    assert said == [b"HTTP/1.1 200 OK\r\n\r\n{}", "complete"]


def test_the_headers_of_every_answer_are_those_of_now():
    """The list of headers is a new one every second; the lines follow it."""
    lines = DefaultLines()

    assert lines.of([DATE]) == (b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", False)
    assert lines.of([CLOSE]) == (b"connection: close\r\n", True)


def test_an_answer_that_waits_in_a_task_of_its_own_is_not_cut_off():
    """What is done for a request may end before its answer is written; the connection stays."""

    async def drain():
        """Let the client take what is there, after a while."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def work(whole):
        async def answer():
            whole.respond(200, b"", b"{}")

        whole.run(answer())

    said = worked(work, write_paused=True, drain=drain)

    assert said == [b"HTTP/1.1 200 OK\r\n\r\n{}", "complete"]


def test_what_is_done_for_a_client_that_left_is_ended():
    """Uvicorn says that it left by the event of the request."""
    ended = []

    def work(whole):
        async def predict():
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("predict")

        whole.run(predict())
        whole.disconnected = True
        asyncio.get_running_loop().call_soon(whole.message_event.set)

    assert worked(work) == []
    assert ended == ["predict"]
