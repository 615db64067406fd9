"""The sockets between the server and the model's side; both import this, so standard library only.

Messages, on a stream socket per pair of worker and model process
-----------------------------------------------------------------
A message is a prefix (header length, ``!I``; total length of the buffers, ``!Q``), a JSON header, and
the raw buffers behind it. The header's ``"sizes"`` lists the length of each buffer. No pickle crosses
the socket in either direction.

Server → model process::

    {"kind": "predict", "id": 7, "payload": {...}, "params": {...} | null, "stream": false}

Model process → server, first once, unasked::

    {"kind": "ready", "pid": 123, "model": {...}}      the model is loaded; facts about it
    {"kind": "failed", "error": {...}}                 it never will be

then, per request::

    {"kind": "prediction", "id": 7, "value": {...}}    the answer
    {"kind": "chunk", "id": 7, "value": {...}}         a part of a streamed answer; "end" follows the last
    {"kind": "end", "id": 7}
    {"kind": "error", "id": 7, "error": {...}}         instead of an answer, or of the next chunk

``payload`` is a node of `lading_runtime.payload`. ``value`` is ``{"kind": "json", "buffer": n}`` (JSON
text, ready to send) or ``{"kind": "array", "dtype": "<f8", "shape": [..], "buffer": n}`` (C order;
floats may be NaN or infinite). ``error`` is ``{"source", "type", "message", "stack_trace"?,
"error_code"?, "sqlstate"?, "error_class"?}``; ``source`` says whose fault it is: "payload" (it cannot
become what the model takes), "model" (the model raised), "mlflow" (it raised an MlflowException, whose
code counts), "output" (the prediction cannot be written as JSON), "exit" (it tried to end the
process), "load" (the model could not be loaded; only in ``failed``).

``model`` is ``{"loader": "sklearn", "python": "3.11.7", "flavors": ["python_function", "sklearn"],
"versions": {"mlflow": "3.17.2", ...}, "is_streamable": false, "is_shared": true, "load_s": 1.2}``:
``versions`` has only what is installed, ``is_shared`` says that processes share the loaded model.

Datagrams, on the control socket of the model host
--------------------------------------------------
The master starts, once::

    MODEL_PYTHON .../lading_runtime/worker/bootstrap.py --control-fd N --mlmodel-fd M --model FOLDER

N is one end of an ``AF_UNIX`` ``SOCK_SEQPACKET`` socket pair; M holds the JSON text of the model's
``MLmodel`` (a memfd or an unlinked file, read from its start: the model's environment need not have
a YAML parser). Every process that inherited the other end may send, at any time, also while the
model is being loaded::

    {"kind": "fork", "worker": 123}       with one stream socket (SCM_RIGHTS): a new model process serves it
    {"kind": "orphans", "worker": 123}    worker 123 is gone: kill the model processes that it asked for

A model process ends when its stream socket does. The host ends, and ends its model processes, when
the last copy of the other end is closed; both ignore SIGINT and SIGTERM, so that a drain ends in order.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Dict, NamedTuple, Sequence, Union, cast

Buffer = Union[bytes, bytearray, memoryview]
Header = Dict[str, Any]

PREFIX = struct.Struct("!IQ")
MAX_HEADER_BYTES = 1 << 30
"""A longer header is no header of ours: the stream is broken."""


class BrokenStream(Exception):
    """The other side sent no message, or went away in the middle of one."""


class Message(NamedTuple):
    """One message: a JSON object and raw bytes."""

    header: Header
    buffers: Sequence[Buffer] = ()


def pack(message: Message) -> list[Buffer]:
    """Return the pieces of *message* in the order in which they are sent; no buffer is copied."""
    views = [memoryview(buffer).cast("B") for buffer in message.buffers]
    sizes = [len(view) for view in views]
    header = json.dumps({**message.header, "sizes": sizes}, separators=(",", ":")).encode()
    return [PREFIX.pack(len(header), sum(sizes)) + header, *views]


def unpack_header(data: Buffer, buffers_bytes: int) -> Header:
    """Return the header that *data* holds.

    Raises:
        BrokenStream: it is no header, or its sizes are not those of the prefix.
    """
    try:
        header = json.loads(bytes(data))
    except ValueError as error:
        raise BrokenStream("no JSON header") from error
    sizes = header.get("sizes") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
        raise BrokenStream("a header without sizes")
    if sum(sizes) != buffers_bytes:
        raise BrokenStream("sizes that do not add up")
    return cast("Header", header)


def send(sock: socket.socket, message: Message) -> None:
    """Send *message* on a blocking socket."""
    for piece in pack(message):
        sock.sendall(piece)


def receive(sock: socket.socket) -> Message | None:
    """Return the next message on a blocking socket, or None at a clean end.

    Each buffer has memory of its own, aligned and writable, so that arrays can be views of it.

    Raises:
        BrokenStream: the stream ends inside a message or holds something else.
    """
    prefix = bytearray(PREFIX.size)
    if not _fill(sock, prefix):
        return None
    header_bytes, buffers_bytes = PREFIX.unpack(prefix)
    if header_bytes > MAX_HEADER_BYTES:
        raise BrokenStream("a header that is too long")
    header_data = bytearray(header_bytes)
    _fill_all(sock, header_data)
    header = unpack_header(header_data, buffers_bytes)
    buffers = [bytearray(size) for size in header["sizes"]]
    for buffer in buffers:
        _fill_all(sock, buffer)
    return Message(header, buffers)


def _fill(sock: socket.socket, target: bytearray) -> bool:
    """Fill *target* from *sock*; return False if the stream ended before its first byte."""
    view = memoryview(target)
    while view:
        count = sock.recv_into(view)
        if count == 0 and len(view) == len(target):
            return False
        if count == 0:
            raise BrokenStream("the stream ended inside a message")
        view = view[count:]
    return True


def _fill_all(sock: socket.socket, target: bytearray) -> None:
    if target and not _fill(sock, target):
        raise BrokenStream("the stream ended inside a message")
