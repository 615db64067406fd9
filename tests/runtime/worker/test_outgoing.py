"""Messages that a model process sends."""

import socket
from math import prod
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime import wire
from lading_runtime.wire import Message
from lading_runtime.worker.outgoing import MAX_SMALL_BYTES, send

SHAPES = st.lists(st.integers(0, 3), min_size=1, max_size=3)
HEADERS = st.tuples(
    st.sampled_from(["prediction", "chunk"]), st.integers(0, 2), st.sampled_from(["|u1", "|i1"])
)
MARKS = st.sampled_from([{}, {"is_last": True}])


def array(shape: list[int], fill: int) -> memoryview:
    """Return an array of bytes, as NumPy gives its memory."""
    flat = memoryview(bytes([fill]) * prod(shape))
    return flat.cast("B", shape) if flat else flat


def answer(head: tuple[str, int, str], shape: list[int], fill: int, **marks: bool) -> Message:
    """Return an answer that is an array."""
    kind, number, dtype = head
    value = {"kind": "array", "dtype": dtype, "shape": shape, "buffer": 0}
    return Message({"kind": kind, "id": number, "value": value, **marks}, [array(shape, fill)])


def sent(*messages: Message) -> bytes:
    """Return the bytes that cross the socket."""
    ours, theirs = socket.socketpair()
    received = bytearray()

    def receive() -> None:
        while data := ours.recv(1 << 16):
            received.extend(data)

    reader = Thread(target=receive)
    reader.start()
    with theirs:
        for message in messages:
            send(theirs, message)
    reader.join()
    ours.close()
    return bytes(received)


def packed(*messages: Message) -> bytes:
    """Return the bytes that the protocol has for *messages*."""
    return b"".join(piece for message in messages for piece in wire.pack(message))


@given(st.lists(st.tuples(HEADERS, SHAPES, MARKS), max_size=6))
def test_arrays_cross_as_the_protocol_has_them(answers):
    """Numbers, kinds, types and shapes recur or do not: each array has its own head and its marks."""
    messages = [answer(head, shape, place, **marks) for place, (head, shape, marks) in enumerate(answers)]

    assert sent(*messages) == packed(*messages)


@pytest.mark.parametrize("size", [MAX_SMALL_BYTES, MAX_SMALL_BYTES + 1, 3_000_000])
def test_an_array_of_any_size_arrives(size):
    """Also the largest that is small, the smallest that is not, and one that no socket takes at once."""
    message = answer(("prediction", 1, "|u1"), [size], 7)

    assert sent(message) == packed(message)


def test_other_answers_cross_as_they_are():
    """JSON, texts for the requests of a batch, ends and errors are sent as the protocol has them."""
    messages = [
        Message({"kind": "prediction", "id": 1, "value": {"kind": "json", "buffer": 0}}, [b"[1]"]),
        Message({"kind": "prediction", "id": 2, "value": {"kind": "texts"}}, [b"1", b"2"]),
        Message({"kind": "end", "id": 3}),
        Message({"kind": "error", "id": 4, "error": {"source": "model"}}),
    ]

    assert sent(*messages) == packed(*messages)
