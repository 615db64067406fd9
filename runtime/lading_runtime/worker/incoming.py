"""What the server sends to a model process, read at once if it is of an ordinary size.

A process that was just woken up finds little of itself in the processor's caches, so that each further
call into the kernel costs several times what it does in a loop.
"""

from __future__ import annotations

import io
import select
import socket
import time
from functools import lru_cache
from typing import Any

from lading_runtime.busy_polling import Wait
from lading_runtime.wire import PREFIX, BrokenStream, Header, Message, unpack_header, unpack_prefix

READ_BYTES = 1 << 16
"""What one system call reads at most; of a larger buffer the rest is read right into its memory."""

MAX_RECURRING_BYTES = 1 << 10
"""Longer headers hold labels of rows or hundreds of columns; they would take memory, and rarely recur."""

REMEMBERED_HEADERS = 32
"""For a few numbers of requests, and batches of a few sizes.

To forget one that has long left the processor's caches costs more than to read it anew: with 256 of them,
requests that never recur took 10 to 40 us more.
"""


class Incoming:
    """Messages on a blocking socket, which is looked at for *busy_poll_s* before this process sleeps."""

    def __init__(self, stream: socket.socket, busy_poll_s: float = 0.0) -> None:
        self._stream = stream
        self._received = Received(stream, Wait(busy_poll_s))
        self._reader = io.BufferedReader(self._received, READ_BYTES)
        self._taken_bytes = 0

    def receive(self) -> Message | None:
        """Return the next message, or None at a clean end.

        Nobody may change its header, which may be that of other messages, too. Each buffer has memory of
        its own, aligned and writable, so that arrays can be views of it.

        Raises:
            BrokenStream: the stream ends inside a message or holds something else.
        """
        if self._received.total_bytes == self._taken_bytes:
            self._received.await_message()
        prefix = self._reader.read(PREFIX.size)
        if not prefix:
            return None
        check_length(len(prefix), PREFIX.size)
        header_bytes, buffers_bytes = unpack_prefix(prefix)
        header_data = self._reader.read(header_bytes)
        check_length(len(header_data), header_bytes)
        read = recurring_header if header_bytes <= MAX_RECURRING_BYTES else unpack_header
        header = read(header_data, buffers_bytes)
        buffers = [bytearray(size) for size in header["sizes"]]
        for buffer in buffers:
            check_length(self._reader.readinto(buffer), len(buffer))
        self._taken_bytes += PREFIX.size + header_bytes + buffers_bytes
        return Message(header, buffers)

    def has_news(self) -> bool:
        """Tell whether more has come than was taken: a message, a part of one, or the end."""
        if self._received.total_bytes > self._taken_bytes:
            return True
        try:
            self._stream.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True


class Received(io.RawIOBase):
    """The bytes of a socket, counted as they come."""

    def __init__(self, stream: socket.socket, wait: Wait) -> None:
        super().__init__()
        self._stream = stream
        self._wait = wait
        self._something_to_read = select.poll()
        self._something_to_read.register(stream, select.POLLIN)
        self._is_there = False
        self.total_bytes = 0

    def await_message(self) -> None:
        """Wait until the next message begins to come, awake if it usually does so soon."""
        began = time.perf_counter()
        if not (self._wait.is_short and self._comes_by(began + self._wait.limit_s)):
            self._sleep()
        self._wait.note(time.perf_counter() - began)
        self._is_there = True

    def readable(self) -> bool:
        """Tell that this is for reading."""
        return True

    def readinto(self, target: Any) -> int:
        """Wait until something has come, write it to *target*, and return its length; 0 is the end."""
        if not self._is_there:
            self._sleep()
        self._is_there = False
        count = self._stream.recv_into(target)
        self.total_bytes += count
        return count

    def _comes_by(self, limit: float) -> bool:
        """Look until something has come, at most until *limit*; tell whether it has."""
        while not self._something_to_read.poll(0):
            # Nothing is yielded (sched_yield(2)): that gives away a whole slice of time, while Linux lets
            # those who are woken up go first anyway.
            if time.perf_counter() > limit:
                return False
        return True

    def _sleep(self) -> None:
        # Linux wakes who waits in recv(2) also when the other side has read an answer, because there is
        # room to send then (`unix_write_space`): once for each request, and for nothing.
        self._something_to_read.poll()


@lru_cache(maxsize=REMEMBERED_HEADERS)
def recurring_header(data: bytes, buffers_bytes: int) -> Header:
    """Return the header that *data* holds, which is often that of an earlier request to the letter.

    Raises:
        BrokenStream: it is no header, or its sizes are not those of the prefix.
    """
    return unpack_header(data, buffers_bytes)


def check_length(count: int, expected: int) -> None:
    """Return if so many bytes have come as were announced.

    Raises:
        BrokenStream: the stream has ended before.
    """
    if count != expected:
        raise BrokenStream("the stream ended inside a message")
