"""What arrives on a connection before the application sees a request."""

import json
import socket
from urllib.parse import urlsplit

import pytest

PATIENCE_S = 30.0
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


def answers(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


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
    """Headers that never stop fill no memory: the connection ends, and the worker goes on."""
    server = start().until_ready()
    head = b"POST /invocations HTTP/1.1\r\n" + b"X: x\r\n" * 10_000_000

    with connect(server) as connection, pytest.raises(ConnectionError):
        connection.sendall(head)

    assert "The head of the request is too large." in server.log
    assert server.ask("echo next").json() == "next"


def test_a_tunnel_is_refused(start):
    """CONNECT asks for a proxy, which this is not."""
    with connect(start().until_ready()) as connection:
        connection.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")

        assert answers(connection).startswith(b"HTTP/1.1 400 ")
