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
from lading_runtime.server.body import (
    MAX_MEMBERS,
    MIN_BYTES_PER_S,
    WHOLE_BODY,
    Hurry,
    read_body,
    unpack_body,
)
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


CHUNKS = st.lists(
    st.tuples(st.binary(max_size=50) | st.binary(min_size=1500, max_size=5000), st.integers(0, 20_000)),
    max_size=6,
).map(lambda chunks: [chunk + b"." * more for chunk, more in chunks])
LEVELS = st.lists(st.integers(0, 9), min_size=6, max_size=6)


def packed_of(chunks, levels):
    """Return *chunks*, each as a gzip member of a level of its own."""
    return b"".join(
        gzip.compress(chunk, level, mtime=0) for chunk, level in zip(chunks, levels, strict=False)
    )


@given(CHUNKS, LEVELS)
def test_gzip_members_of_any_size_come_back_whole(chunks, levels):
    """However long members are, and however well they are packed, their content is what was packed."""
    plain = b"".join(chunks)

    assert unpack_body(packed_of(chunks, levels), b"gzip", max_bytes=len(plain)) == plain


@given(CHUNKS.filter(any), LEVELS, st.data())
def test_gzip_of_more_than_the_limit_is_refused(chunks, levels, data):
    """A limit that is a byte too small, or smaller, is noticed in whatever member it is exceeded."""
    max_bytes = data.draw(st.integers(0, len(b"".join(chunks)) - 1))

    with pytest.raises(BodyTooLarge):
        unpack_body(packed_of(chunks, levels), b"gzip", max_bytes=max_bytes)


@given(st.binary(max_size=4000), st.integers(0, 9), st.data())
def test_truncated_gzip_is_malformed(chunk, level, data):
    """A member that ends too early, at whatever byte, is no gzip."""
    packed = gzip.compress(chunk, level, mtime=0)
    kept = packed[: data.draw(st.integers(1, len(packed) - 1))]

    with pytest.raises(MalformedBody):
        unpack_body(gzip.compress(b"first") + kept, b"gzip", max_bytes=10_000)


def test_a_body_of_very_many_gzip_members_is_refused():
    """Members that hold nothing are not unpacked without end."""
    with pytest.raises(MalformedBody, match="10000 gzip members"):
        unpack_body(gzip.compress(b"") * (MAX_MEMBERS + 1), b"gzip", max_bytes=LIMIT)


def test_as_many_gzip_members_as_are_allowed_are_unpacked():
    """The limit of members itself is allowed."""
    assert unpack_body(gzip.compress(b"") * MAX_MEMBERS, b"gzip", max_bytes=LIMIT) == b""


@pytest.mark.parametrize("size_bytes", [0, 100, 77_000])
def test_gzip_members_are_not_copied_again_and_again(monkeypatch, size_bytes):
    """What zlib is given is no more than twice the body, and a KiB for each member."""
    given_bytes: list[int] = []
    members = [gzip.compress(bytes(size_bytes), 0, mtime=0)] * 50
    monkeypatch.setattr("lading_runtime.server.body.zlib.decompressobj", counting(given_bytes))

    unpack_body(b"".join(members), b"gzip", max_bytes=1 << 30)

    assert sum(given_bytes) <= 2 * len(b"".join(members)) + 1024 * len(members)


def counting(given_bytes):
    """Return what makes zlib's decompressors, and notes the sizes of what they are given."""
    make = zlib.decompressobj

    class Counting:
        def __init__(self, window):
            self._wrapped = make(window)

        def __getattr__(self, name):
            return getattr(self._wrapped, name)

        def decompress(self, data, max_length):
            given_bytes.append(len(data))
            return self._wrapped.decompress(data, max_length)

    return Counting


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
