"""What arrives on a connection before the application sees a request."""

import contextlib
import json
import select
import socket
from urllib.parse import urlsplit

import pytest

from tests.contracts.process.conftest import PATIENCE_S

BODY = json.dumps({"prompt": "echo tomato"}).encode()
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAI\r\n"
"""What Java's HttpClient sends with every request, unless it is told not to."""


def connect(server) -> socket.socket:
    """Return a connection to *server*."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), PATIENCE_S)


def request(method: bytes, headers: bytes, body: bytes) -> bytes:
    """Return a request to predict, with more *headers*."""
    described = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return b"%b /invocations HTTP/1.1\r\nHost: x\r\n%b%b\r\n%b" % (method, described, headers, body)


def drip(connection: socket.socket) -> None:
    """Send byte after byte, for as long as somebody takes them."""
    while True:
        connection.sendall(b"X")
        select.select([], [], [], 0.02)


def answers(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def until_said(connection: socket.socket, word: bytes) -> None:
    """Read until *word* has come, in however many pieces."""
    said = b""
    while word not in said:
        piece = connection.recv(1 << 16)
        if not piece:
            raise EOFError(said)
        said += piece


@pytest.mark.parametrize("piece_bytes", [1 << 16, 7], ids=["at once", "in pieces"])
def test_an_offer_to_upgrade_is_ignored_and_the_body_is_read(start, piece_bytes):
    """A client that would rather speak HTTP/2 is answered in HTTP/1.1, request after request."""
    asked = request(b"POST", OFFER, BODY) + request(b"POST", OFFER + b"Connection: close\r\n", BODY)
    with connect(start().until_ready()) as connection:
        for at in range(0, len(asked), piece_bytes):
            connection.sendall(asked[at : at + piece_bytes])

        answered = answers(connection)

    assert answered.count(b"HTTP/1.1 200 OK") == 2
    assert answered.count(b'"tomato"') == 2


def test_a_head_without_end_is_refused(start):
    """Headers that never stop fill no memory: who sends them is told so, and the worker goes on."""
    server = start().until_ready()
    head = b"POST /invocations HTTP/1.1\r\n" + b"X: x\r\n" * 10_000_000

    with connect(server) as connection:
        connection.sendall(head)

        assert answers(connection).endswith(b"\r\n\r\nThe head of the request is too large.")

    assert server.ask("echo next").json() == "next"


def test_a_tunnel_is_refused(start):
    """CONNECT asks for a proxy, which this is not."""
    with connect(start().until_ready()) as connection:
        connection.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")

        assert answers(connection).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_does_not_finish_a_head_is_hung_up_on(start):
    """Half a request line holds a connection no longer than it may."""
    server = start(LADING_CLIENT_TIMEOUT_S="0.3").until_ready()
    with connect(server) as connection:
        connection.sendall(b"POST /invocations HT")

        assert answers(connection) == b""


def test_a_client_that_drips_its_head_is_hung_up_on(start):
    """Each further byte is no further time."""
    server = start(LADING_CLIENT_TIMEOUT_S="0.3").until_ready()
    with connect(server) as connection, pytest.raises(ConnectionError):
        drip(connection)


def test_a_client_that_says_nothing_is_hung_up_on(start):
    """A connection without a request is closed, too."""
    with connect(start(LADING_CLIENT_TIMEOUT_S="0.3").until_ready()) as connection:
        assert answers(connection) == b""


def test_a_client_may_be_silent_between_requests(start):
    """The time for a head begins with it; a connection that is kept alive has its own."""
    server = start(LADING_CLIENT_TIMEOUT_S="2").until_ready()
    with connect(server) as connection:
        connection.sendall(request(b"POST", b"", BODY))
        until_said(connection, b'"tomato"')
        select.select([connection], [], [], 3)
        connection.sendall(request(b"POST", b"Connection: close\r\n", BODY))

        assert b'"tomato"' in answers(connection)


def test_a_head_that_waits_behind_a_request_is_not_late(start):
    """Who has begun a request while the model works on another gets the answer to that, however late."""
    server = start(LADING_CLIENT_TIMEOUT_S="0.5").until_ready()
    with connect(server) as connection:
        connection.sendall(request(b"POST", b"", json.dumps({"prompt": "sleep 1.5"}).encode()) + b"P")

        until_said(connection, b'"1.5"')


def test_a_client_that_does_not_take_its_answer_is_dropped(start):
    """The rest of a large answer does not stay in memory for a client that reads nothing."""
    server = start(LADING_CLIENT_TIMEOUT_S="2").until_ready()
    large = json.dumps({"prompt": "echo " + "x" * (32 << 20)}).encode()
    with connect(server) as connection:
        connection.sendall(request(b"POST", b"", large))
        server.eventually(lambda: "A client does not take its answer." in server.log)

    assert server.ask("echo next").json() == "next"


def test_connections_are_counted(start, gate):
    """While all that a worker takes have a request, one more is closed at once; the others go on."""
    server = start(LADING_MAX_CONNECTIONS="1").until_ready()
    with contextlib.closing(server.eventually(lambda: taken(server))) as first:
        waiting = json.dumps({"prompt": f"wait {gate}"}).encode()
        first.sendall(request(b"POST", b"Connection: close\r\n", waiting))
        gate.until_awaited()
        assert is_refused(server)
        gate.open()

        assert b"HTTP/1.1 200 OK" in answers(first)


def test_who_asks_nothing_makes_room_for_others(start):
    """However many connect and stay silent, the next one is answered; the oldest of them is closed."""
    server = start(LADING_MAX_CONNECTIONS="3").until_ready()
    with contextlib.ExitStack() as stack:
        oldest, *others = (stack.enter_context(connect(server)) for _ in range(3))
        server.eventually(lambda: server.is_answering("/ping"))

        assert answers(oldest) == b""
        others[-1].sendall(request(b"POST", b"Connection: close\r\n", BODY))
        assert b'"tomato"' in answers(others[-1])


def taken(server) -> socket.socket | None:
    """Return a connection that was answered, and is kept; none while an earlier one still counts."""
    connection = connect(server)
    try:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        until_said(connection, b"\r\n\r\n")
    except (ConnectionError, EOFError):
        connection.close()
        return None
    return connection


def is_refused(server) -> bool:
    """Tell whether a further connection is closed without an answer."""
    try:
        with connect(server) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            return connection.recv(1) == b""
    except ConnectionError:
        return True


def told(server, asked: bytes, piece_bytes: int) -> list[bytes]:
    """Return the lines of the answers to *asked*, sent in pieces, without what differs each time."""
    with connect(server) as connection:
        for at in range(0, len(asked), piece_bytes):
            connection.sendall(asked[at : at + piece_bytes])
        lines = answers(connection).split(b"\r\n")
    return [line for line in lines if not line.startswith((b"date:", b"x-request-id:"))]


@pytest.mark.parametrize(
    "asked",
    [
        request(b"POST", b"", BODY) + request(b"POST", b"Connection: close\r\n", BODY),
        request(b"POST", b"", b"{") + request(b"POST", b"Connection: close\r\n", b'{"inputs": [{}]}'),
        request(b"POST", b"Connection: close\r\n", BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
        # Refused before its body is there: a connection that ended then would be reset by the rest.
        request(b"POST", b"X-Request-Timeout: soon\r\n", BODY)
        + request(b"POST", b"Connection: close\r\n", BODY),
        request(b"POST", b"Expect: 100-continue\r\nConnection: close\r\n", BODY),
        b"POST /invocations HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    ],
    ids=["good", "bad", "HTTP/1.0", "bad timeout", "expecting", "chunked"],
)
def test_a_request_in_pieces_is_answered_like_one_that_comes_whole(start, asked):
    """How a request is cut on its way changes not a byte of what is answered."""
    server = start().until_ready()

    whole, in_pieces = told(server, asked, len(asked)), told(server, asked, 7)

    assert in_pieces in (whole, [b"HTTP/1.1 100 Continue", b"", *whole])
    assert whole[0].startswith(b"HTTP/1.1 ")


def test_a_head_that_comes_again_means_the_same(start):
    """On one connection, requests with the same head and with others are each answered as they ask."""
    prompts = ["echo tomato", "echo potato", "echo grape", "echo carrot", "echo tomato"]
    with connect(start().until_ready()) as connection:
        for prompt in prompts:
            connection.sendall(request(b"POST", b"", json.dumps({"prompt": prompt}).encode()))
            until_said(connection, b'"%b"' % prompt.removeprefix("echo ").encode())


def test_what_follows_a_body_is_no_header(start):
    """Trailers are read and forgotten (RFC 9110, section 6.5.1): they change nothing, and fill no memory."""
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailers = (
        b"X-Request-Id: trailed\r\nX-Request-Timeout: soon\r\nContent-Encoding: zip\r\n" + b"A: b\r\n" * 99
    )
    with connect(start().until_ready()) as connection:
        connection.sendall(head + b"%x\r\n%b\r\n" % (len(BODY), BODY))
        connection.sendall(b"0\r\n" + trailers + b"\r\n")

        answered = answers(connection)

    assert answered.startswith(b"HTTP/1.1 200 OK")
    assert b"trailed" not in answered


def test_what_no_request_tells_of_is_counted(start):
    """Connections that are closed because there are too many, and what is no HTTP, are in the metrics."""
    server = start(LADING_MAX_CONNECTIONS="2").until_ready()
    with connect(server) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")
        answers(connection)
    with connect(server) as first, connect(server), connect(server):
        answers(first)
        found = server.get("/metrics").text

    assert "\nlading_requests_malformed_total 1.0" in found
    assert float(found.partition("\nlading_connections_refused_total ")[2].split()[0]) >= 1


def test_a_head_that_begins_behind_another_request_is_not_too_large(start):
    """How much stood before a head in the same piece of data does not count."""
    large = request(b"POST", b"", json.dumps({"prompt": "echo " + "x" * 100_000}).encode())
    last = request(b"POST", b"Connection: close\r\n", BODY)
    with connect(start().until_ready()) as connection:
        connection.sendall(large + last[:20])
        until_said(connection, b"xxx")
        connection.sendall(last[20:])

        assert b'"tomato"' in answers(connection)
