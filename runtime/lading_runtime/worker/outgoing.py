"""What a model process says to its server: mostly small arrays, one as the other.

Where the numbers of requests recur, such answers differ in nothing but what is in the array: JSON is
written once for all of them.
"""

from __future__ import annotations

import socket
from functools import lru_cache

from lading_runtime import wire
from lading_runtime.wire import Message

MAX_SMALL_BYTES = 1 << 14
"""A larger array is sent from where it lies."""

REMEMBERED_HEADS = 32
"""As many as of what comes in (`incoming`)."""


def send(stream: socket.socket, message: Message) -> None:
    """Send *message* on a blocking socket: the same bytes as `wire.send`."""
    if is_small_array(message):
        stream.sendall(joined(message))
    else:
        wire.send(stream, message)


def is_small_array(message: Message) -> bool:
    """Tell whether *message* brings a small array, and says nothing beside that."""
    value = message.header.get("value")
    if value is None or value["kind"] != "array" or "is_last" in message.header:
        return False
    return memoryview(message.buffers[0]).nbytes <= MAX_SMALL_BYTES


def joined(message: Message) -> bytes:
    """Return *message*, which brings a small array, as it crosses the socket."""
    header, value, array = message.header, message.header["value"], bytes(message.buffers[0])
    return head(header["kind"], header["id"], value["dtype"], tuple(value["shape"]), len(array)) + array


@lru_cache(maxsize=REMEMBERED_HEADS)
def head(kind: str, number: int, dtype: str, shape: tuple[int, ...], size_bytes: int) -> bytes:
    """Return what comes before an array of *size_bytes* in a message of *kind*."""
    value = {"kind": "array", "dtype": dtype, "shape": shape, "buffer": 0}
    first, *_ = wire.pack(Message({"kind": kind, "id": number, "value": value}, [bytes(size_bytes)]))
    return bytes(first)
