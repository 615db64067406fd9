"""The sockets between the server and the model's side; both import this, so standard library only.

Messages, on a stream socket per pair of worker and model process
-----------------------------------------------------------------
A message is a prefix (header length, ``!I``; total length of the buffers, ``!Q``), a JSON header, and
the raw buffers behind it. The header's ``"sizes"`` lists the length of each buffer. No pickle crosses
the socket in either direction.

Server → model process::

    {"kind": "predict", "id": 7, "payload": {...}, "params": {...} | null, "stream": false, "rows": [..]?}
    {"kind": "cancel", "id": 7}        nobody wants the rest of a streamed answer; its end is still told

``rows`` are there if the payload is a batch, and say how many rows of it belong to each request.

``id`` tells a request from those just before and after it, and recurs: so do whole headers, then.

The next request is sent when the last one is answered; only a "cancel" may come before that, or cross
the end of the answer. Chunks are sent as they are made: while the server does not read, the model waits.

Model process → server, first once, unasked::

    {"kind": "ready", "pid": 123, "model": {...}}      the model is loaded; facts about it
    {"kind": "failed", "error": {...}}                 it never will be

then, per request::

    {"kind": "prediction", "id": 7, "value": {...}}    the answer
    {"kind": "chunk", "id": 7, "value": {...}}         a part of a streamed answer; "end" follows the last
    {"kind": "end", "id": 7}
    {"kind": "error", "id": 7, "error": {...}}         instead of an answer, or of the next chunk

All but a chunk may say ``"is_last": true``: the process has reached one of its limits and ends.

``payload`` and ``params`` are nodes of `lading_runtime.payload`. ``value`` is ``{"kind": "json",
"buffer": n}`` (JSON text, ready to send) or ``{"kind": "array", "dtype": "<f8", "shape": [..],
"buffer": n}`` (C order, one dimension or more; floats may be NaN or infinite); of a batch it is an array
of all rows, or ``{"kind": "texts"}``: a buffer of JSON text for each request. ``error`` is
``{"source", "type", "message", "stack_trace"?, "error_code"?, "sqlstate"?, "error_class"?}``;
``source`` says whose fault it is: "payload" (it cannot become what the model takes), "schema" (it is
not what the signature declares), "format" (nothing here reads it), "model" (the model raised), "mlflow"
(it raised an MlflowException, whose code counts), "output" (the prediction cannot be written as JSON),
"rows" (that of a batch has not one row for each of its rows), "exit" (it tried to end the process),
"load" (the model could not be loaded; only in ``failed``).

``model`` is ``{"loader": "sklearn", "python": "3.11.7", "flavors": ["python_function", "sklearn"],
"versions": {"mlflow": "3.17.2", ...}, "is_streamable": false, "is_shared": true, "load_s": 1.2}``:
``versions`` has only what is installed, ``is_streamable`` says that the model can answer in chunks,
``is_shared`` that processes share the loaded model.

Datagrams, on the control socket of the model host
--------------------------------------------------
The master starts, once::

    MODEL_PYTHON .../lading_runtime/worker/bootstrap.py --control-fd N --mlmodel-fd M --model FOLDER
        --busy-poll-us U

N is one end of an ``AF_UNIX`` ``SOCK_SEQPACKET`` socket pair; M holds the JSON text of the model's
``MLmodel`` (a memfd or an unlinked file, read from its start: the model's environment need not have
a YAML parser); U is for how many microseconds model processes look for the next request before they
sleep. Every process that inherited the other end may send, at any time, also while the model is being
loaded::

    {"kind": "fork", "worker": 123, "max_requests": 0, "max_rss_bytes": 0}

with a stream socket (SCM_RIGHTS), which a new model process serves, and perhaps with its lifeline, another
socket. When that has answered so many requests, or has grown so large, its last answer says so (0: never).

A model process ends when its stream socket does; when the other end of its lifeline is closed, it is
killed at once by the kernel, with all that it started, also if the host is no more. The host ends, and
ends its model processes, when the last copy of the other end is closed; both ignore SIGINT and SIGTERM,
so that a drain ends in order.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from typing import Any, Callable, Dict, NamedTuple, Sequence, Union, cast

Buffer = Union[bytes, bytearray, memoryview]
Header = Dict[str, Any]

PREFIX = struct.Struct("!IQ")

MAX_HEADER_BYTES = 1 << 30
"""A longer header is no header of ours: the stream is broken."""

MAX_BUFFERS_BYTES = 1 << 34
"""The same for all buffers of a message together; nobody may make us allocate without end."""

MAX_DATAGRAM_BYTES = 1 << 12
"""Datagrams of the control socket are tiny."""

MAX_PIECES = 512
"""How many buffers one system call sends; Linux takes 1024."""


class BrokenStream(Exception):
    """The other side sent no message, or went away in the middle of one."""


class Message(NamedTuple):
    """One message: a JSON object and raw bytes."""

    header: Header
    buffers: Sequence[Buffer] = ()


def pack(message: Message, to_json: Callable[[Header], bytes] | None = None) -> list[Buffer]:
    """Return the pieces of *message* in the order in which they are sent; no buffer is copied.

    The server has a faster *to_json* than the standard library's.
    """
    views = [_bytes_view(buffer) for buffer in message.buffers]
    sizes = [len(view) for view in views]
    header = (to_json or _to_json)({**message.header, "sizes": sizes})
    return [PREFIX.pack(len(header), sum(sizes)) + header, *views]


def unpack_prefix(data: Buffer) -> tuple[int, int]:
    """Return the length of the header and that of all buffers together.

    Raises:
        BrokenStream: one is more than we ever send.
    """
    header_bytes, buffers_bytes = PREFIX.unpack(data)
    if header_bytes > MAX_HEADER_BYTES or buffers_bytes > MAX_BUFFERS_BYTES:
        raise BrokenStream("a message that is too long")
    return header_bytes, buffers_bytes


def unpack_header(
    data: Buffer, buffers_bytes: int, from_json: Callable[[Buffer], Any] | None = None
) -> Header:
    """Return the header that *data* holds; the server has a faster *from_json* than the standard library's.

    Raises:
        BrokenStream: it is no header, or its sizes are not those of the prefix.
    """
    try:
        header = (from_json or _from_json)(data)
    except (ValueError, RecursionError) as error:
        raise BrokenStream("no JSON header") from error
    sizes = header.get("sizes") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
        raise BrokenStream("a header without sizes")
    if sum(sizes) != buffers_bytes:
        raise BrokenStream("sizes that do not add up")
    return cast("Header", header)


def send(sock: socket.socket, message: Message) -> None:
    """Send *message* on a blocking socket."""
    pieces = pack(message)
    while pieces:
        sent = sock.sendmsg(pieces[:MAX_PIECES])
        pieces = _unsent(pieces, sent)


def receive(sock: socket.socket) -> Message | None:
    """Return the next message on a blocking socket, or None at a clean end.

    Each buffer has memory of its own, aligned and writable, so that arrays can be views of it.

    Raises:
        BrokenStream: the stream ends inside a message or holds something else.
    """
    prefix = bytearray(PREFIX.size)
    if not _fill(sock, prefix):
        return None
    header_bytes, buffers_bytes = unpack_prefix(prefix)
    header_data = bytearray(header_bytes)
    _fill_all(sock, header_data)
    header = unpack_header(header_data, buffers_bytes)
    buffers = [bytearray(size) for size in header["sizes"]]
    for buffer in buffers:
        _fill_all(sock, buffer)
    return Message(header, buffers)


class Lifetime(NamedTuple):
    """After what a model process is replaced, between two requests."""

    max_requests: int = 0
    """How many requests it answers; 0: any number."""

    max_rss_bytes: int = 0
    """How much memory it has resident after a request; 0: any amount."""


def request_fork(
    control: socket.socket,
    worker: int,
    stream: socket.socket,
    lifeline: socket.socket | None = None,
    lifetime: Lifetime = Lifetime(),  # noqa: B008 - immutable
) -> None:
    """Ask the model host for a model process that serves *stream*; of sockets it gets copies."""
    sockets = [stream] if lifeline is None else [stream, lifeline]
    descriptors = array.array("i", [each.fileno() for each in sockets])
    datagram = json.dumps({"kind": "fork", "worker": worker, **lifetime._asdict()}).encode()
    control.sendmsg([datagram], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])


class Datagram(NamedTuple):
    """What came on the control socket."""

    header: Header

    sockets: Sequence[socket.socket] = ()
    """Those that came with it, the stream first; the receiver closes them."""


def receive_datagram(control: socket.socket) -> Datagram | None:
    """Return the next datagram on the model host's end, or None when nobody has the other end any more.

    Raises:
        BrokenStream: it is none of ours; sockets that came with it are closed.
    """
    space = socket.CMSG_SPACE(2 * array.array("i").itemsize)
    data, ancillary, _, _ = control.recvmsg(MAX_DATAGRAM_BYTES, space)
    sockets = [socket.socket(fileno=number) for number in _descriptors(ancillary)]
    for each in sockets:
        each.set_inheritable(False)
    if not data:
        return None
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        for each in sockets:
            each.close()
        raise BrokenStream("no datagram of ours")
    return Datagram(header, sockets)


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return list(descriptors)


_encode = json.JSONEncoder(separators=(",", ":")).encode
"""What `json.dumps` would make anew for each message."""


def _to_json(header: Header) -> bytes:
    return _encode(header).encode()


def _from_json(data: Buffer) -> Any:
    return json.loads(str(data, "utf-8"))  # of bytes it would find out the encoding first


def _bytes_view(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    # A view without elements cannot be cast when it has several dimensions.
    return view.cast("B") if view.nbytes else memoryview(b"")


def _unsent(pieces: list[Buffer], sent: int) -> list[Buffer]:
    """Return what is left of *pieces* when the first *sent* bytes are gone."""
    for number, piece in enumerate(pieces):
        if sent < len(piece):
            return [memoryview(piece)[sent:], *pieces[number + 1 :]]
        sent -= len(piece)
    return []


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
