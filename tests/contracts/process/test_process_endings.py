"""Connections that end behind an answer, while the client still sends its request."""

import contextlib
import signal
import socket
import ssl
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S, free_port
from tests.contracts.process.nginx import nginx_before
from tests.registries.certificates import make_certificates

MAX_BODY_BYTES = 1 << 20
PIECE = b" " * (1 << 16)
PIECES = 64
"""Of a body that is four times as large as it may be, and more than what sockets hold by themselves."""

HEAD = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
)
CLOSE = b"Connection: close\r\n"
EXPECT = b"Expect: 100-continue\r\n"
FOR_EVER_S = "600"
"""A limit that no test waits for, and that the grace of a server that stops is shorter than."""


def connect(server) -> socket.socket:
    """Return a connection to *server*."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), PATIENCE_S)


def send_too_much(connection: socket.socket) -> None:
    """Send all of a body that is too large, on a connection that shall end behind its answer."""
    connection.sendall(HEAD % (PIECES * len(PIECE), CLOSE))
    for _ in range(PIECES):
        connection.sendall(PIECE)


def send_without_end(connection: socket.socket) -> None:
    """Send a body until nobody takes it any more."""
    connection.sendall(HEAD % (1 << 60, CLOSE))
    while True:
        connection.sendall(PIECE)


def ended_by_itself(server) -> bool:
    """Stop *server*; tell whether its worker has ended before it was killed for being late."""
    return server.stop() == 0 and "Worker exiting" in server.log


def answer(connection: socket.socket) -> bytes:
    """Return what comes until the end of an error in JSON."""
    said = b""
    while not said.endswith(b"}"):
        piece = connection.recv(1 << 16)
        if not piece:
            raise EOFError(said)
        said += piece
    return said


def test_who_sends_too_much_is_told_so(start):
    """The refusal of a large body reaches a client that first sends all of it: nothing cuts it off."""
    server = start(LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES), LADING_CLIENT_TIMEOUT_S=str(PATIENCE_S))
    server.until_ready()

    for _ in range(5):
        with connect(server) as connection:
            send_too_much(connection)

            assert answer(connection).startswith(b"HTTP/1.1 413 ")
            assert connection.recv(1) == b""


def test_who_sends_too_much_is_told_so_by_tls(start, tmp_path):
    """The same on an encrypted connection, whose sides do not end one by one."""
    server, trust = start_with_tls(start, tmp_path)

    with trust.wrap_socket(connect(server), server_hostname="127.0.0.1") as connection:
        send_too_much(connection)

        # Whether the model is loaded by now makes no difference to what is tested.
        assert answer(connection).startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 503 "))


def test_who_goes_on_sending_is_hung_up_on(start):
    """A client that has been answered, and sends without end, holds its connection no longer than others."""
    server = start(LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES), LADING_CLIENT_TIMEOUT_S="1").until_ready()

    with connect(server) as connection:
        connection.sendall(HEAD % (1 << 60, CLOSE))
        assert answer(connection).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            send_without_end(connection)

    assert server.told("echo next") == "next"


def test_a_stop_does_not_wait_for_who_goes_on_sending(start):
    """A connection whose last answer is written is closed when the server drains."""
    server = start(LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES), LADING_CLIENT_TIMEOUT_S=FOR_EVER_S)
    server.until_ready()
    with connect(server) as connection:
        connection.sendall(HEAD % (1 << 60, CLOSE))
        assert answer(connection).startswith(b"HTTP/1.1 413 ")

        assert ended_by_itself(server)


def test_a_stop_does_not_wait_for_who_was_refused_in_it(start):
    """A request that is refused while the server drains holds it no longer than its deadline."""
    server = start(LADING_CLIENT_TIMEOUT_S=FOR_EVER_S, MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="2")
    server.until_ready()
    with connect(server) as connection:
        connection.sendall(HEAD % (1000, EXPECT))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")

        server.process.send_signal(signal.SIGTERM)

        assert answer(connection).startswith(b"HTTP/1.1 504 ")
        assert ended_by_itself(server)


def test_a_stop_does_not_wait_for_silent_clients_of_tls(start, tmp_path):
    """Who keeps an encrypted connection, and does not read that it ends, holds no server that stops."""
    server, trust = start_with_tls(start, tmp_path)

    with trust.wrap_socket(connect(server), server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")

        assert ended_by_itself(server)


def start_with_tls(start, folder):
    """Return a server that listens, and whom its clients trust."""
    made = make_certificates(folder)
    server = start(
        LADING_TLS_CERT_FILE=str(made.server),
        LADING_TLS_KEY_FILE=str(made.key),
        LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES),
        LADING_CLIENT_TIMEOUT_S=FOR_EVER_S,
        MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="2",
    )
    server.eventually(lambda: is_listening(server))
    return server, ssl.create_default_context(cafile=str(made.authority))


def is_listening(server) -> bool:
    """Tell whether *server* takes connections."""
    with contextlib.suppress(ConnectionError), connect(server):
        return True
    return False


def test_who_sends_what_is_no_request_is_told_so(start):
    """The refusal of a malformed head reaches a client that first sends all that it wanted to."""
    server = start().until_ready()

    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(b"POST\x00/invocations HTTP/1.1\r\n")
            for _ in range(PIECES):
                connection.sendall(PIECE)
            connection.shutdown(socket.SHUT_WR)

            said = b"".join(iter(lambda: connection.recv(1 << 16), b""))

        assert said.startswith(b"HTTP/1.1 400 ")
        assert said.endswith(b"\r\n\r\nInvalid HTTP request received.")


@pytest.mark.container
def test_a_refusal_gets_through_a_proxy(start, tmp_path):
    """A client behind nginx as it comes, whose connections end behind each answer, is told, too: no 502."""
    port = free_port()
    start(LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES), PORT=str(port)).until_ready()

    with nginx_before([port], tmp_path) as nginx:
        url = f"http://127.0.0.1:{nginx.port}/invocations"
        answered = [httpx.post(url, content=PIECE * PIECES, timeout=PATIENCE_S) for _ in range(5)]

    assert [answer.status_code for answer in answered] == [413] * 5
