"""Messages that a model process reads from its socket."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.wire import BrokenStream, Message, pack
from lading_runtime.worker.incoming import MAX_RECURRING_BYTES, READ_BYTES, Incoming

messages = st.lists(st.lists(st.binary(max_size=40), max_size=3), min_size=1, max_size=4)
"""The buffers of each."""

LONG_S = 30.0
"""Nothing here takes as long."""


class Counting(socket.socket):
    """A socket that notes how many bytes each call has read."""

    def __init__(self, stream: socket.socket) -> None:
        super().__init__(fileno=stream.detach())
        self.reads: list[int] = []

    def recv_into(self, target: Any, *more: int) -> int:
        """Read, and note how much it was."""
        count = super().recv_into(target, *more)
        self.reads.append(count)
        return count


@contextmanager
def stream() -> Iterator[tuple[socket.socket, Counting]]:
    """Give the server's end of a socket, and the model process's."""
    ours, theirs = socket.socketpair()
    with ours, Counting(theirs) as counting:
        yield ours, counting


def joined(buffers: list[bytes]) -> bytes:
    """Return a message with these buffers as it crosses the socket."""
    return b"".join(pack(Message({"kind": "predict"}, buffers)))


def contents(message: Message | None) -> list[bytes]:
    """Return the buffers of a message; there must be one."""
    assert message is not None
    return [bytes(buffer) for buffer in message.buffers]


@pytest.mark.parametrize("busy_poll_s", [0.0, LONG_S])
@given(sent=messages, data=st.data())
def test_messages_arrive_however_they_are_cut(busy_poll_s, sent, data):
    """Several messages may come at once, and one in parts; each is received as it was sent."""
    ends = list(accumulate(len(joined(buffers)) for buffers in sent))
    whole = b"".join(map(joined, sent))
    cut = data.draw(st.integers(0, len(whole)))
    with stream() as (server, ours):
        incoming = Incoming(ours, busy_poll_s)
        server.sendall(whole[:cut])
        received = [contents(incoming.receive()) for end in ends if end <= cut]
        server.sendall(whole[cut:])
        server.shutdown(socket.SHUT_WR)
        received += [contents(message) for message in iter(incoming.receive, None)]

    assert received == sent


@given(messages, st.data())
def test_a_stream_that_ends_inside_a_message_is_broken(sent, data):
    """A message that is cut off anywhere but before its first byte is a BrokenStream."""
    whole = joined(sent[0])
    with stream() as (server, ours):
        server.sendall(whole[: data.draw(st.integers(1, len(whole) - 1))])
        server.shutdown(socket.SHUT_WR)

        with pytest.raises(BrokenStream):
            Incoming(ours).receive()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.sampled_from([1, 2, MAX_RECURRING_BYTES]))
def test_each_message_has_its_own_header(numbers, columns):
    """Short headers and long ones arrive as they were sent, whether they recur or differ in one digit."""
    headers = [{"id": number, "names": ["x"] * columns} for number in numbers]
    with stream() as (server, ours):
        incoming = Incoming(ours)
        server.sendall(b"".join(piece for header in headers for piece in pack(Message(header, []))))
        server.shutdown(socket.SHUT_WR)
        received = [message.header for message in iter(incoming.receive, None)]

    assert received == [{**header, "sizes": []} for header in headers]


def test_a_small_message_is_read_at_once():
    """One system call brings the prefix, the header and all buffers."""
    whole = joined([b"x" * 100, b"", b"y" * 1000])
    with stream() as (server, ours):
        server.sendall(whole)
        Incoming(ours).receive()

        assert ours.reads == [len(whole)]


def test_a_large_buffer_arrives_after_a_small_one():
    """What is larger than one read brings is complete and in its place."""
    sent = [b"a" * 7, b"b" * READ_BYTES, b"c"]
    with stream() as (server, ours):
        server.sendall(joined(sent))

        assert contents(Incoming(ours).receive()) == sent


def test_each_buffer_has_memory_of_its_own():
    """Buffers can be written to, and keep what they hold when the next message comes."""
    with stream() as (server, ours):
        server.sendall(joined([b"ab", b"cd"]) + joined([b"ef", b"gh"]))
        incoming = Incoming(ours)
        message = incoming.receive()
        assert message is not None
        memoryview(message.buffers[0])[0] = 0
        incoming.receive()

    assert contents(message) == [b"\0b", b"cd"]


def test_there_is_no_news_while_nothing_comes():
    """Neither before a message, nor when it has been taken."""
    with stream() as (server, ours):
        incoming = Incoming(ours)
        before = incoming.has_news()
        server.sendall(joined([b"a"]))
        incoming.receive()

        assert (before, incoming.has_news()) == (False, False)


@pytest.mark.parametrize("more", [joined([b"b"]), joined([b"b"])[:5]], ids=["message", "part"])
def test_what_came_with_a_message_is_news(more):
    """A message that the same system call has brought, or the beginning of one, is not forgotten."""
    with stream() as (server, ours):
        server.sendall(joined([b"a"]) + more)
        incoming = Incoming(ours)
        incoming.receive()

        assert incoming.has_news()


def test_what_comes_later_is_news():
    """A message that comes when another one has been taken; it can be received then."""
    with stream() as (server, ours):
        incoming = Incoming(ours)
        server.sendall(joined([b"a"]))
        incoming.receive()
        server.sendall(joined([b"b"]))

        assert incoming.has_news()
        assert contents(incoming.receive()) == [b"b"]


def test_the_end_is_news():
    """When the server goes away, that is something to read."""
    with stream() as (server, ours):
        incoming = Incoming(ours)
        server.close()

        assert incoming.has_news()
        assert incoming.receive() is None


def exchange(server: socket.socket, incoming: Incoming, times: int = 20) -> None:
    """Let messages come one after the other, without a pause."""
    for _ in range(times):
        server.sendall(joined([b"a"]))
        incoming.receive()


class Looks:
    """Stands for the clock, which is read after each look; one of them brings a message."""

    def __init__(self, server: socket.socket, *, bringing: int) -> None:
        self._server = server
        self._bringing = bringing
        self.count = 0

    def __call__(self) -> float:
        """Return the time: each look takes a second."""
        self.count += 1
        if self.count == self._bringing:
            self._server.sendall(joined([b"b"]))
        return float(self.count)


def test_after_dense_messages_the_next_one_is_looked_for(monkeypatch):
    """It is received when it comes, by a process that did not sleep meanwhile."""
    with stream() as (server, ours):
        incoming = Incoming(ours, LONG_S)
        exchange(server, incoming)
        monkeypatch.setattr(time, "perf_counter", Looks(server, bringing=10))
        monkeypatch.setattr(incoming._received, "_sleep", pytest.fail)

        assert contents(incoming.receive()) == [b"b"]


@pytest.mark.parametrize(("busy_poll_s", "times"), [(0.0, 20), (LONG_S, 1)], ids=["off", "first"])
def test_otherwise_the_next_message_is_slept_for(monkeypatch, busy_poll_s, times):
    """Without a limit, or before it is known how densely messages come, nothing is looked for."""
    with stream() as (server, ours):
        incoming = Incoming(ours, busy_poll_s)
        exchange(server, incoming, times)
        monkeypatch.setattr(incoming._received, "_sleep", lambda: server.sendall(joined([b"b"])))
        looks = Looks(server, bringing=1000)
        monkeypatch.setattr(time, "perf_counter", looks)

        assert contents(incoming.receive()) == [b"b"]
        assert looks.count == 2  # when the wait begins, and when it is over


def test_what_does_not_come_in_time_is_slept_for(monkeypatch):
    """When the limit is over, the process sleeps until the next message."""
    with stream() as (server, ours):
        incoming = Incoming(ours, LONG_S)
        exchange(server, incoming)
        monkeypatch.setattr(incoming._received, "_sleep", lambda: server.sendall(joined([b"b"])))
        looks = Looks(server, bringing=1000)
        monkeypatch.setattr(time, "perf_counter", looks)

        assert contents(incoming.receive()) == [b"b"]
        assert LONG_S < looks.count < 2 * LONG_S


def test_pauses_inside_a_message_teach_nothing(monkeypatch):
    """A large message that comes in parts is no sign that the next one comes soon."""
    message = joined([b"a" * READ_BYTES] * 20)
    with stream() as (server, ours):
        incoming = Incoming(ours, LONG_S)
        sleep = incoming._received._sleep
        sleeps: list[None] = []

        def count() -> None:
            sleeps.append(None)
            sleep()

        monkeypatch.setattr(incoming._received, "_sleep", count)
        threading.Thread(target=server.sendall, args=[message]).start()
        incoming.receive()
        within = len(sleeps)

        assert within > 2
        assert not incoming._received._wait.is_short
