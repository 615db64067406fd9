"""A head that has come before is known; nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.heads import MAX_KNOWN, MAX_KNOWN_BYTES, Head, KnownHeads

LENGTH = (b"content-length", b"2")
REQUEST = b"POST /invocations HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


def head(*headers):
    """Return a head as a parser would."""
    return Head(b"/invocations", [*headers], keep_alive=True)


def knowing(data=REQUEST, *headers):
    """Return heads that have seen *data*."""
    heads = KnownHeads()
    heads.add(data, head(*(headers or [LENGTH])))
    return heads


def test_the_same_head_is_known_with_another_body():
    """What follows a known head, as long as it says, is the body."""
    known = knowing().find(REQUEST.replace(b"{}", b"[]"))

    assert known is not None
    assert (known[0].url, known[1]) == (b"/invocations", b"[]")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n{}",
        REQUEST[:-1],
        REQUEST + b"P",
        REQUEST + REQUEST,
        REQUEST.replace(b"POST", b"GET "),
        REQUEST.replace(b": 2", b": 3"),
        REQUEST.replace(b"\r\n", b"\n"),
        b"\r\n" + REQUEST,
    ],
)
def test_less_more_or_other_words_are_left_to_the_parser(data):
    """Only a whole request, with this very head and nothing behind it, is known."""
    assert knowing().find(data) is None


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (REQUEST + REQUEST, [LENGTH]),
        (b"{}" + REQUEST, [(b"content-length", b"4")]),
        (REQUEST, [LENGTH, LENGTH]),
        (REQUEST, [LENGTH, (b"transfer-encoding", b"chunked")]),
        (REQUEST, [(b"content-length", b"+2")]),
        (REQUEST, [(b"host", b"x")]),
        (REQUEST, [LENGTH, (b"x-request-id", b"order-17")]),
        (REQUEST, [LENGTH, (b"traceparent", b"00-1-2-01")]),
        (
            b"POST / HTTP/1.1\r\nCookie: %b\r\nContent-Length: 2\r\n\r\n{}" % (b"x" * MAX_KNOWN_BYTES),
            [LENGTH],
        ),
    ],
)
def test_what_is_not_simple_is_not_remembered(data, headers):
    """Several requests, unclear lengths, headers that no other request has, and long heads are forgotten."""
    assert knowing(data, *headers).find(data) is None


@given(body=st.binary(max_size=40), junk=st.binary(max_size=8))
def test_where_the_head_ends_is_never_mistaken(body, junk):
    """Whatever is in a body, also empty lines, the head that is remembered is the one that was parsed."""
    said = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    heads = knowing(said + body, (b"content-length", b"%d" % len(body)))

    assert heads.find(said + body) is not None
    if junk:
        assert heads.find(said + body + junk) is None


def test_clients_cannot_fill_the_memory_with_heads():
    """There are only so many; then it begins anew."""
    heads = KnownHeads()
    for number in range(MAX_KNOWN + 1):
        heads.add(REQUEST.replace(b"POST", b"POST%d" % number), head(LENGTH))

    assert heads.find(REQUEST.replace(b"POST", b"POST0")) is None
    assert heads.find(REQUEST.replace(b"POST", b"POST%d" % MAX_KNOWN)) is not None
