"""Clients that send the body of a request byte by byte."""

import select
import socket

import pytest

from tests.contracts.process.conftest import PATIENCE_S

HEAD = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"


def connect(server) -> socket.socket:
    """Return a connection to *server*."""
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), PATIENCE_S)


def drip_until_told(connection: socket.socket) -> bytes:
    """Send byte after byte until the server says something; return all that it says."""
    while not select.select([connection], [], [], 0.05)[0]:
        connection.sendall(b" ")
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_a_body_that_comes_byte_by_byte_is_refused_and_its_connection_closed(start):
    """What takes longer than it may, though it goes on, is answered 408; others are answered meanwhile."""
    server = start(LADING_CLIENT_TIMEOUT_S="2").until_ready()
    with connect(server) as connection:
        connection.sendall(HEAD % b"/invocations")
        assert server.ask("echo meanwhile").json() == "meanwhile"

        answered = drip_until_told(connection)

    assert answered.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answered


@pytest.mark.parametrize("path", [b"/ping", b"/nothing", b"/v2/models/nothing/infer"])
def test_a_body_that_nobody_wants_holds_no_connection(start, path):
    """A client that was answered at once and goes on with its body is hung up on."""
    server = start(LADING_CLIENT_TIMEOUT_S="0.5").until_ready()
    with connect(server) as connection:
        connection.sendall(HEAD % path)
        answered = connection.recv(12, socket.MSG_WAITALL)

        with pytest.raises(ConnectionError):
            drip(connection)

    assert answered in {b"HTTP/1.1 405", b"HTTP/1.1 404"}


def drip(connection: socket.socket) -> None:
    """Send byte after byte, for as long as somebody takes them."""
    while True:
        connection.sendall(b" ")
        select.select([], [], [], 0.02)
