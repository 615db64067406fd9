"""Bodies are read within their limit and their deadline, and unpacked within the same limit."""

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import (
    BodyTooLarge,
    BodyTooSlow,
    DeadlineExceeded,
    MalformedBody,
    UnsupportedMediaType,
)
from lading_runtime.server.body import MIN_BYTES_PER_S, WHOLE_BODY, Hurry, read_body, unpack_body
from lading_runtime.server.interruption import ClientDisconnected

LIMIT = 100


def read(*messages, headers=(), within_s=10, patience_s=10):
    """Read a body that comes in *messages*, and then never again."""
    left = list(messages)

    async def receive():
        if left:
            return left.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def main():
        deadline = asyncio.get_running_loop().time() + within_s
        scope = {"headers": headers}
        return await read_body(scope, receive, max_bytes=LIMIT, deadline=deadline, patience_s=patience_s)

    return asyncio.run(main())


def part(body, *, more_body=False):
    """Return a part of a body, as ASGI says it."""
    return {"type": "http.request", "body": body, "more_body": more_body}


def test_the_parts_of_a_body_are_joined():
    """A body that comes in parts is their bytes."""
    assert read(part(b"a", more_body=True), part(b"b", more_body=True), part(b"c")) == b"abc"


def read_whole(body):
    """Read a body that the connection has put into the scope; no message ever comes."""

    async def receive():
        pytest.fail("the body is there")

    scope = {"headers": (), WHOLE_BODY: body}
    return asyncio.run(read_body(scope, receive, max_bytes=LIMIT, deadline=0.0, patience_s=0.0))


def test_a_body_that_is_there_is_not_waited_for():
    """What came with the head of its request is the body."""
    assert read_whole(bytearray(b"abc")) == b"abc"


def test_a_body_that_says_it_is_too_large_is_not_read():
    """The limit holds before the first byte of the body."""
    with pytest.raises(BodyTooLarge, match="100"):
        read(headers=[(b"content-length", b"101")])


def test_a_body_that_becomes_too_large_is_refused():
    """A body without a length is refused as soon as it exceeds the limit."""
    with pytest.raises(BodyTooLarge):
        read(part(b"x" * 60, more_body=True), part(b"x" * 60, more_body=True))


def test_the_limit_itself_is_allowed():
    """A body of exactly as many bytes as are allowed is read."""
    assert len(read(part(b"x" * LIMIT), headers=[(b"content-length", b"100")])) == LIMIT


def test_a_body_that_does_not_come_in_time_is_given_up():
    """A client that stops in the middle of its body holds nothing for longer than a request may take."""
    with pytest.raises(DeadlineExceeded):
        read(part(b"x", more_body=True), within_s=0.02)


def test_a_body_that_comes_byte_by_byte_is_refused():
    """After its first time, a client must send some hundred bytes a second."""
    with pytest.raises(BodyTooSlow):
        read(part(b"x", more_body=True), patience_s=0.02)


@given(size_bytes=st.integers(0, 1 << 40), slow_at=st.floats(0, 1e6), deadline=st.floats(0, 1e6))
def test_who_sends_more_has_more_time_but_never_more_than_the_deadline(size_bytes, slow_at, deadline):
    """Each further byte moves the end of the wait, up to the deadline."""
    hurry = Hurry(deadline, slow_at)

    ends = [hurry.cutoff(size).deadline for size in (size_bytes, size_bytes + MIN_BYTES_PER_S)]

    assert ends[0] <= ends[1] <= deadline
    assert ends[0] == pytest.approx(min(deadline, slow_at + size_bytes / MIN_BYTES_PER_S))


def test_a_client_that_leaves_is_noticed():
    """A connection that ends inside the body ends the request."""
    with pytest.raises(ClientDisconnected):
        read(part(b"x", more_body=True), {"type": "http.disconnect"})


@pytest.mark.parametrize("encoding", [b"", b"identity", b" Identity "])
def test_plain_bodies_stay_as_they_are(encoding):
    """No encoding, and the one that says so, change nothing."""
    assert unpack_body(b"abc", encoding, max_bytes=LIMIT) == b"abc"


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_gzip_is_unpacked(members):
    """A gzip body, of one member or several, is unpacked."""
    packed = b"".join(gzip.compress(member) for member in members)

    assert unpack_body(packed, b"GZIP", max_bytes=LIMIT) == b"".join(members)


def test_a_gzip_bomb_is_refused():
    """Unpacking stops at the limit, whatever would follow."""
    with pytest.raises(BodyTooLarge):
        unpack_body(gzip.compress(bytes(1 << 20)), b"gzip", max_bytes=LIMIT)


@pytest.mark.parametrize("body", [b"{}", gzip.compress(b"abc", mtime=0)[:-9], zlib.compress(b"abc")])
def test_what_is_not_gzip_is_malformed(body):
    """A body that is not what its encoding says is the client's fault."""
    with pytest.raises(MalformedBody):
        unpack_body(body, b"gzip", max_bytes=LIMIT)


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip"])
def test_other_encodings_are_refused(encoding):
    """An encoding that is not read is said to be unsupported."""
    with pytest.raises(UnsupportedMediaType):
        unpack_body(b"", encoding, max_bytes=LIMIT)
