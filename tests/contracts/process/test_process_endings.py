"""Connections on which nothing more is written: who still sends, takes slowly, or did not ask in HTTP."""

import contextlib
import json
import signal
import socket
import ssl
import time
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


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Return what comes until it ends so."""
    said = b""
    while not said.endswith(end):
        piece = connection.recv(1 << 16)
        if not piece:
            raise EOFError(said)
        said += piece
    return said


def answer(connection: socket.socket) -> bytes:
    """Return what comes until the end of an error in JSON."""
    return read_until(connection, b"}")


def all_said(connection: socket.socket) -> bytes:
    """Return all that comes until the server hangs up."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


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
    server, trust = start_with_tls(start, tmp_path, LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES))

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


def start_with_tls(start, folder, **environ):
    """Return a server that listens, and whom its clients trust."""
    made = make_certificates(folder)
    server = start(
        LADING_TLS_CERT_FILE=str(made.server),
        LADING_TLS_KEY_FILE=str(made.key),
        **{"LADING_CLIENT_TIMEOUT_S": FOR_EVER_S, "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "2", **environ},
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

            said = all_said(connection)

        assert said.startswith(b"HTTP/1.1 400 ")
        assert said.endswith(b"\r\n\r\nInvalid HTTP request received.")


def asking(prompt: str, *headers: bytes) -> bytes:
    """Return a request to predict."""
    body = json.dumps({"prompt": prompt}).encode()
    return HEAD % (len(body), b"".join(headers)) + body


LARGE_BYTES = 24 << 20
"""More than all buffers on the way, so that the client decides how long it takes."""

SLOWLY_S = 8.0
"""How long a client takes for that, in small pieces."""


def slowly_read(connection: socket.socket) -> int:
    """Read all that comes; return how much it was."""
    began_at, count_bytes = time.monotonic(), 0
    # By what should have come until now: of TLS, one call returns a record of 16 KiB, however much there is.
    while piece := connection.recv(1 << 17):
        count_bytes += len(piece)
        time.sleep(max(0.0, began_at + SLOWLY_S * count_bytes / LARGE_BYTES - time.monotonic()))
    return count_bytes


def use(connection: socket.socket) -> None:
    """Ask something, so that the next request may be a while in coming: of a new connection it may not."""
    connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("is_stopped", [False, True], ids=["closing", "stopping"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_who_takes_a_large_answer_slowly_gets_all_of_it(start, tmp_path, is_tls, is_stopped):
    """No limit ends a connection while some of its last answer is taken again and again."""
    limits = {"LADING_CLIENT_TIMEOUT_S": str(SLOWLY_S / 2), "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "60"}
    server, trust = start_with_tls(start, tmp_path, **limits) if is_tls else (start(**limits), None)
    server.eventually(lambda: "model ready" in server.log)
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connect(server))
        if trust is not None:
            connection = stack.enter_context(trust.wrap_socket(connection, server_hostname="127.0.0.1"))
        use(connection)
        connection.sendall(asking("echo " + "x" * LARGE_BYTES, *([] if is_stopped else [CLOSE])))
        first = connection.recv(1)
        if is_stopped:
            server.process.send_signal(signal.SIGTERM)

        assert len(first) + slowly_read(connection) > LARGE_BYTES

    assert ended_by_itself(server)


def test_who_takes_nothing_makes_room_for_others(start):
    """Connections on which nothing more is written are given up for new ones when there are too many."""
    server = start(LADING_MAX_CONNECTIONS="4", LADING_CLIENT_TIMEOUT_S=FOR_EVER_S).until_ready()
    with contextlib.ExitStack() as stack:
        for number in range(4):
            connection = stack.enter_context(connect(server))
            if number % 2:
                connection.sendall(asking("echo " + "x" * LARGE_BYTES, CLOSE))
            else:
                connection.sendall(HEAD % (1 << 60, CLOSE))
            assert connection.recv(1)

        assert server.told("echo next") == "next"


def test_what_is_malformed_behind_a_request_is_no_answer_to_it(start, gate):
    """A request is answered whatever comes behind it on its connection, which ends then."""
    server = start().until_ready()
    with connect(server) as connection:
        connection.sendall(asking(f"wait {gate}") + asking("echo second"))
        gate.until_awaited()
        connection.sendall(b"\x00\x00")
        gate.open()
        said = all_said(connection)

    assert said.count(b"HTTP/1.1 200 OK\r\n") == said.count(b"HTTP/1.1 ") == 2
    assert said.endswith(b'"second"')


@pytest.mark.usefixtures("streams")
def test_what_is_malformed_behind_a_streamed_request_stands_in_no_stream(start, gate):
    """An answer that has begun is completed, whatever its client sends meanwhile."""
    server = start().until_ready()
    body = json.dumps({"prompt": f"0 2 0 wait {gate}", "stream": True}).encode()
    with connect(server) as connection:
        connection.sendall(HEAD % (len(body), b"") + body)
        gate.until_awaited()
        connection.sendall(b"\x00\x00")
        server.eventually(lambda: "Invalid HTTP request received." in server.log)
        gate.open()
        said = all_said(connection)

    assert said.count(b"HTTP/1.1 ") == 1
    assert said.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_a_malformed_body_is_refused_once(start):
    """Who asks to be told to go on, and goes on with what is no body, gets one answer; the server is well."""
    server = start().until_ready()
    with connect(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        said = all_said(connection)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"\r\ndate: " in said  # as every answer has it
    assert said.endswith(b"\r\n\r\nInvalid HTTP request received.")
    assert server.told("echo next") == "next"
    assert "Traceback" not in server.log


def test_a_request_whose_body_is_malformed_is_over(start):
    """It is given up when it is refused, not when its client leaves."""
    server = start(LADING_CLIENT_TIMEOUT_S=FOR_EVER_S).until_ready()
    with connect(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"
        )
        connection.sendall(b"zz\r\n")

        server.eventually(lambda: "status=499" in server.log)


def test_who_leaves_gives_up_all_that_was_asked(start, gate):
    """No model goes on for a client that has left, whichever of several requests it has come to."""
    server = start().until_ready()
    with connect(server) as connection:
        connection.sendall(asking("echo first") + asking(f"wait {gate}") + asking("echo third"))
        gate.until_awaited()

    server.eventually(lambda: "status=499" in server.log)


@pytest.mark.container
def test_a_refusal_gets_through_a_proxy(start, tmp_path):
    """A client behind nginx as it comes, whose connections end behind each answer, is told, too: no 502."""
    port = free_port()
    start(LADING_MAX_BODY_BYTES=str(MAX_BODY_BYTES), PORT=str(port)).until_ready()

    with nginx_before([port], tmp_path) as nginx:
        url = f"http://127.0.0.1:{nginx.port}/invocations"
        answered = [httpx.post(url, content=PIECE * PIECES, timeout=PATIENCE_S) for _ in range(5)]

    assert [answer.status_code for answer in answered] == [413] * 5
