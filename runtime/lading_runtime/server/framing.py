"""Bytes from a socket → messages of `lading_runtime.wire`, without I/O and with one copy at most.

Small messages are gathered in a buffer that is used again and again, so that one read from the socket
often brings a whole message; a message that is larger than that gets memory of its own as soon as its
prefix is known, and the socket writes right into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from lading_runtime.wire import PREFIX, Buffer, Header, Message, pack, unpack_header, unpack_prefix

SCRATCH_BYTES = 1 << 16


def packed(message: Message) -> list[Buffer]:
    """Return the pieces of *message*; see `lading_runtime.wire.pack`."""
    return pack(message, _to_json)


def _to_json(header: Header) -> bytes:
    try:
        return orjson.dumps(header)
    except TypeError:  # half a surrogate pair in a name, which is no UTF-8
        return json.dumps(header).encode()


def _from_json(data: Buffer) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:  # the same in an error, or NaN
        return json.loads(str(data, "utf-8"))


class MessageReader:
    """Says where the next bytes go (`free`), and what they made complete (`received`)."""

    def __init__(self, scratch_bytes: int = SCRATCH_BYTES) -> None:
        self._scratch = bytearray(scratch_bytes)
        self._target = self._scratch
        """Where bytes go: the scratch, or the memory of one large message."""
        self._filled = 0
        self._header_bytes = 0
        """Of the large message."""

    def free(self) -> memoryview:
        """Return memory for the next bytes; never empty."""
        return memoryview(self._target)[self._filled :]

    def received(self, count: int) -> Iterator[Message]:
        """Note that *count* bytes were written to `free`; yield the messages that are complete now.

        Raises:
            BrokenStream: this is no stream of messages.
        """
        self._filled += count
        if self._target is self._scratch:
            yield from self._from_scratch()
        elif self._filled == len(self._target):
            data, self._target, self._filled = self._target, self._scratch, 0
            yield _message(data, self._header_bytes)

    def _from_scratch(self) -> Iterator[Message]:
        """Yield the messages that the scratch holds, and leave the beginning of the next one in it."""
        start = 0
        while self._filled - start >= PREFIX.size:
            header_bytes, buffers_bytes = unpack_prefix(self._scratch[start : start + PREFIX.size])
            begin, end = start + PREFIX.size, start + PREFIX.size + header_bytes + buffers_bytes
            if end - start > len(self._scratch):
                self._start_large(begin, header_bytes, end - begin)
                return
            if end > self._filled:
                break
            yield _message(self._scratch[begin:end], header_bytes)
            start = end
        rest = self._filled - start
        self._scratch[:rest] = self._scratch[start : self._filled]
        self._filled = rest

    def _start_large(self, begin: int, header_bytes: int, size: int) -> None:
        self._target = bytearray(size)
        self._header_bytes = header_bytes
        here = self._scratch[begin : self._filled]
        self._target[: len(here)] = here
        self._filled = len(here)


def _message(data: bytearray, header_bytes: int) -> Message:
    """Return the message that *data* holds: its buffers are views of it."""
    view = memoryview(data)
    header = unpack_header(view[:header_bytes], len(view) - header_bytes, _from_json)
    buffers, at = [], header_bytes
    for size in header["sizes"]:
        buffers.append(view[at : at + size])
        at += size
    return Message(header, buffers)
