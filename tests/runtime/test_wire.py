"""Messages on a stream socket, and datagrams that carry sockets."""

import contextlib
import json
import socket
import threading
from array import array
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime import wire
from lading_runtime.wire import BrokenStream, Message

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=10,
)
headers = st.dictionaries(st.text().filter(lambda key: key != "sizes"), json_values, max_size=4)


def received(data: bytes) -> Message | None:
    """Return what a reader makes of a stream of *data* that ends there."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        return wire.receive(ours)


def received_message(data: bytes) -> Message:
    """Return the message that a stream of *data* begins with."""
    message = received(data)
    assert message is not None
    return message


def received_datagram(host: socket.socket) -> wire.Datagram:
    """Return the next datagram."""
    datagram = wire.receive_datagram(host)
    assert datagram is not None
    return datagram


def joined(message: Message) -> bytes:
    """Return *message* as it crosses the socket."""
    return b"".join(wire.pack(message))


@given(headers, st.lists(st.binary(max_size=50), max_size=4))
def test_a_message_arrives_as_it_was_sent(header, buffers):
    """Whatever header and buffers are sent, they arrive; the header also has the sizes."""
    message = received_message(joined(Message(header, buffers)))

    assert message.header == {**header, "sizes": [len(buffer) for buffer in buffers]}
    assert [bytes(buffer) for buffer in message.buffers] == buffers


@given(st.binary(max_size=200))
def test_strange_bytes_are_a_broken_stream(data):
    """Bytes that nobody of ours sent are a BrokenStream, or the clean end if there are none."""
    if not data:
        assert received(data) is None
        return
    with pytest.raises(BrokenStream):
        received(data)


@given(headers, st.lists(st.binary(max_size=20), max_size=3), st.data())
def test_a_stream_that_ends_inside_a_message_is_broken(header, buffers, data):
    """A message that is cut off anywhere but before its first byte is a BrokenStream."""
    whole = joined(Message(header, buffers))
    length = data.draw(st.integers(1, len(whole) - 1))

    with pytest.raises(BrokenStream):
        received(whole[:length])


@given(json_values, st.integers(0, 1000))
def test_headers_of_another_form_are_broken(value, buffers_bytes):
    """JSON that is no object, or whose sizes do not add up to the buffers, is a BrokenStream."""
    if isinstance(value, dict):
        value = {**value, "sizes": [buffers_bytes + 1]}

    with pytest.raises(BrokenStream):
        wire.unpack_header(json.dumps(value).encode(), buffers_bytes)


@pytest.mark.parametrize("sizes", [None, "4", [4.0], [-1, 5], [True, 3], {"0": 4}])
def test_sizes_are_a_list_of_lengths(sizes):
    """Sizes that are no list of natural numbers are a BrokenStream, whatever their sum."""
    with pytest.raises(BrokenStream):
        wire.unpack_header(json.dumps({"sizes": sizes}).encode(), 4)


def test_deeply_nested_headers_are_broken():
    """A header that is nested too deeply for the JSON reader is a BrokenStream, too."""
    with pytest.raises(BrokenStream):
        wire.unpack_header(b"[" * 200_000, 0)


@pytest.mark.parametrize("lengths", [(wire.MAX_HEADER_BYTES + 1, 0), (2, wire.MAX_BUFFERS_BYTES + 1)])
def test_nothing_is_allocated_for_lengths_that_no_message_has(lengths):
    """A prefix that announces more than any message has is a BrokenStream at once."""
    with pytest.raises(BrokenStream, match="too long"):
        received(wire.PREFIX.pack(*lengths))


def test_buffers_of_any_kind_and_shape_are_sent_as_bytes():
    """Arrays, also empty ones and those with several dimensions, cross as the bytes that they hold."""
    square = memoryview(array("d", [1, 2, 3, 4])).cast("B").cast("d", (2, 2))
    empty = memoryview(array("i"))

    message = received_message(joined(Message({}, [cast("memoryview", square), empty, b"x"])))

    assert [bytes(buffer) for buffer in message.buffers] == [square.tobytes(), b"", b"x"]


def test_received_buffers_can_be_written_to():
    """Each buffer has memory of its own that arrays may be views of."""
    message = received_message(joined(Message({}, [b"ab", b"cd"])))
    memoryview(message.buffers[0])[0] = 0

    assert [bytes(buffer) for buffer in message.buffers] == [b"\0b", b"cd"]


def test_sending_goes_on_where_the_socket_was_full():
    """A message that is larger than the socket's buffer, in more pieces than one call takes, arrives."""
    buffers = [bytes([number % 256]) * number for number in range(2 * wire.MAX_PIECES)] + [b"z" * 3_000_000]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=wire.send, args=(theirs, Message({"n": 1}, buffers)))
        sender.start()
        message = wire.receive(ours)
        sender.join()

    assert message is not None
    assert [bytes(buffer) for buffer in message.buffers] == buffers


def test_messages_follow_each_other():
    """A second message begins where the first one ends; after the last comes the clean end."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            for number in range(3):
                wire.send(theirs, Message({"n": number}, [b"x" * number]))

        messages = [wire.receive(ours) for _ in range(4)]

    assert [message and message.header["n"] for message in messages] == [0, 1, 2, None]


@pytest.fixture
def control():
    """Both ends of a control socket: the server's and the host's."""
    server, host = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with server, host:
        yield server, host


def test_a_request_for_a_process_carries_a_socket(control):
    """The host gets a copy of the very stream that the worker passed, which no program inherits."""
    server, host = control
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.request_fork(server, 12, theirs)
        datagram = received_datagram(host)
        (stream,) = datagram.sockets
        with stream:
            stream.sendall(b"here")

            assert datagram.header == {"kind": "fork", "worker": 12, "max_requests": 0, "max_rss_bytes": 0}
            assert ours.recv(4) == b"here"
            assert stream.get_inheritable() is False


def test_a_lifeline_and_limits_may_come_with_it(control):
    """The second socket is the lifeline, and the header says how long the process may live."""
    server, host = control
    (stream, *_), (lifeline, held) = pair, lifelines = socket.socketpair(), socket.socketpair()
    with contextlib.ExitStack() as open_sockets:
        for each in (*pair, *lifelines):
            open_sockets.enter_context(each)
        wire.request_fork(server, 12, stream, lifeline, wire.Lifetime(3, 1 << 30))
        datagram = received_datagram(host)
        for each in datagram.sockets:
            open_sockets.enter_context(each)
        datagram.sockets[1].sendall(b"alive")

        assert held.recv(5) == b"alive"
        assert (datagram.header["max_requests"], datagram.header["max_rss_bytes"]) == (3, 1 << 30)


def test_the_control_socket_ends_when_nobody_has_it(control):
    """When the server's end is closed, there is no datagram any more."""
    server, host = control
    server.close()

    assert wire.receive_datagram(host) is None


@pytest.mark.parametrize("data", [b"?", b"[]", b"\xff", b"1"])
def test_strange_datagrams_are_broken_and_their_sockets_closed(control, data):
    """A datagram that is no JSON object is a BrokenStream; a socket that came with it is closed."""
    server, host = control
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [theirs.fileno()]))
            server.sendmsg([data], [rights])
        with pytest.raises(BrokenStream):
            wire.receive_datagram(host)

        assert ours.recv(1) == b""
