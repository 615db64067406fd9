"""A stream of bytes, however it is cut, is the messages that were packed into it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.framing import MessageReader
from lading_runtime.wire import PREFIX, BrokenStream, Message, pack

SCRATCH_BYTES = 128
shapes = st.lists(st.tuples(st.text(max_size=5), st.lists(st.integers(0, 300), max_size=3)), max_size=5)
"""Of messages: a header, and the sizes of buffers."""


def read(stream, cuts):
    """Return the messages in *stream*, which comes in pieces of at most the sizes in *cuts*."""
    reader, found, at = MessageReader(SCRATCH_BYTES), [], 0
    while at < len(stream):
        free = reader.free()
        cut = cuts[at % len(cuts)] if cuts else len(stream)
        piece = stream[at : at + min(len(free), cut)]
        free[: len(piece)] = piece
        at += len(piece)
        found += [plain(message) for message in reader.received(len(piece))]
    return found


def plain(message):
    """Return a message as something that can be compared."""
    header = {name: value for name, value in message.header.items() if name != "sizes"}
    return header, [bytes(buffer) for buffer in message.buffers]


@given(shapes, st.lists(st.integers(1, SCRATCH_BYTES * 2), max_size=4))
def test_every_cut_gives_the_same_messages(shapes, cuts):
    """Messages come out as they were packed, whatever pieces the socket delivers."""
    sent = [Message({"text": text}, [bytes(size) for size in sizes]) for text, sizes in shapes]
    stream = b"".join(bytes(piece) for message in sent for piece in pack(message))

    found = read(stream, cuts)

    assert found == [plain(message) for message in sent]


@given(st.binary(max_size=200))
def test_noise_is_a_broken_stream(noise):
    """Bytes that are no messages raise BrokenStream and nothing else, or are the beginning of one."""
    with contextlib.suppress(BrokenStream):
        assert all(isinstance(header, dict) for header, _ in read(noise, []))


def test_a_message_beyond_all_measure_is_refused():
    """Nothing is allocated for a length that no message has."""
    with pytest.raises(BrokenStream):
        read(PREFIX.pack(2, 2**60), [])


def test_buffers_outlive_the_next_message():
    """A message's buffers do not change when the next one arrives."""
    reader = MessageReader()
    kept = []
    for text in (b"first", b"other"):
        data = b"".join(bytes(piece) for piece in pack(Message({}, [text])))
        reader.free()[: len(data)] = data
        kept += [message.buffers[0] for message in reader.received(len(data))]

    assert [bytes(buffer) for buffer in kept] == [b"first", b"other"]
