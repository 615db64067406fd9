"""Who may talk to the server, and how: API keys, TLS, and pages of other origins."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
from http.client import HTTPResponse

import httpx
import pytest
from lading.plan import _HEALTH_CHECK

from tests.contracts.process.conftest import PATIENCE_S
from tests.registries.certificates import expire, make_certificates

KEYS = ("first-key-0123456789", "second-key-0123456789")
BODY = {"prompt": "echo"}


@pytest.fixture
def keys(tmp_path):
    """Return a file with two keys."""
    path = tmp_path / "keys"
    path.write_text("# clients\n\n" + "\n".join(KEYS) + "\n")
    return path


@pytest.fixture(params=["directly", "through ASGI"])
def start_either_way(request, start):
    """Return a function that starts a server, which takes the short way to an answer, or the long one."""
    if request.param == "through ASGI":
        request.getfixturevalue("streams")
    return start


def health_check(url, **environ):
    """Return the exit code of the program with which an image asks its server how it is."""
    environ["PORT"] = str(httpx.URL(url).port)
    program = [sys.executable, "-ISc", _HEALTH_CHECK.format(port=1)]
    return subprocess.run(
        program, env=environ, stderr=subprocess.DEVNULL, check=False, timeout=PATIENCE_S
    ).returncode


def test_an_image_asks_its_server_how_it_is(start):
    """The program in an image's health check succeeds while the server can predict."""
    server = start().until_ready()

    assert health_check(server.url) == 0
    server.stop()
    assert health_check(server.url) != 0


def status(server, path="/invocations", **headers):
    """Return the status of a request with headers, a POST where a prediction is asked for."""
    method = "POST" if path == "/invocations" else "GET"
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.request(
        method, server.url + path, json=BODY if method == "POST" else None, headers=named, timeout=PATIENCE_S
    )


def test_only_who_brings_a_key_is_answered(start_either_way, keys):
    """Each key opens, as a bearer token or in a header of its own; nothing else does; probes need none."""
    server = start_either_way(LADING_API_KEY_FILE=str(keys)).until_ready()

    assert [status(server, x_api_key=key).status_code for key in KEYS] == [200, 200]
    assert [status(server, authorization=f"Bearer {key}").status_code for key in KEYS] == [200, 200]
    for wrong in ("", KEYS[0][:-1], KEYS[0] + "x", "# clients", "\n".join(KEYS)[:15]):
        assert status(server, x_api_key=wrong).status_code == 401
    assert status(server, authorization=f"Basic {KEYS[0]}").status_code == 401
    for path in ("/version", "/metrics", "/nothing", "/v2"):
        assert status(server, path).status_code == 401
    for path in ("/health", "/ping", "/v2/health/live", "/v2/health/ready"):
        assert status(server, path).status_code == 200


def test_nobody_is_let_in_on_the_key_of_another(start_either_way, keys):
    """Requests with and without a key, in turn and on one connection, are answered each by its own."""
    server = start_either_way(LADING_API_KEY_FILE=str(keys)).until_ready()
    asked = [b"X-API-Key: %b\r\n" % KEYS[0].encode(), b"", b"X-API-Key: wrong-key-0123456789\r\n"] * 4
    address = "127.0.0.1", int(server.url.rpartition(":")[2])
    body, statuses = json.dumps(BODY).encode(), []

    with socket.create_connection(address, PATIENCE_S) as connection:
        for key in asked:
            described = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            connection.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: x\r\n%b%b\r\n%b" % (key, described, body)
            )
            answer = HTTPResponse(connection)
            answer.begin()
            answer.read()
            statuses.append(answer.status)

    assert statuses == [200, 401, 401] * 4


def test_a_refusal_says_what_would_help(start, keys):
    """A request without a key gets a challenge and MLflow's error; under ``/v2``, that of its protocol."""
    server = start(LADING_API_KEY_FILE=str(keys)).until_ready()

    ours, theirs = status(server), status(server, "/v2/models/model")

    assert ours.headers["www-authenticate"] == theirs.headers["www-authenticate"] == "Bearer"
    assert ours.json()["error_code"] == "UNAUTHENTICATED"
    assert set(theirs.json()) == {"error"}
    assert "x-request-id" in ours.headers


def test_new_keys_come_into_use_with_sighup(start, keys):
    """After SIGHUP the keys that the file has then open, and those that it had do not."""
    server = start(LADING_API_KEY_FILE=str(keys)).until_ready()

    keys.write_text("another-key-0123456789\n")
    server.process.send_signal(signal.SIGHUP)

    def statuses():
        """Return what the new key and an old one get, once there is an answer to both."""
        try:
            return [status(server, x_api_key=key).status_code for key in ("another-key-0123456789", KEYS[0])]
        except httpx.TransportError:  # the worker that was there before, on its way out
            return None

    server.eventually(lambda: statuses() == [200, 401])


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "short\n", "a key with spaces in it\n"])
def test_a_key_file_without_keys_ends_the_start(start, tmp_path, content):
    """A server whose keys are missing or unusable does not start open; it says why, and no key."""
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)

    server = start(LADING_API_KEY_FILE=str(path))

    assert server.process.wait(PATIENCE_S) == 2
    assert "LADING_API_KEY_FILE" in server.log
    assert "short" not in server.log
    assert "spaces" not in server.log


def test_tls_is_spoken_with_the_given_certificate(start, tmp_path):
    """With a certificate and its key, HTTPS is answered, to TLS 1.2 and above, and plain HTTP is not."""
    made = make_certificates(tmp_path)
    server = start(LADING_TLS_CERT_FILE=str(made.server), LADING_TLS_KEY_FILE=str(made.key))
    url = server.url.replace("http:", "https:")
    trust = ssl.create_default_context(cafile=str(made.authority))

    def ask():
        """Return the answer, once there is one."""
        try:
            answer = httpx.post(
                url + "/invocations", json={"prompt": "echo hello"}, verify=trust, timeout=PATIENCE_S
            )
        except httpx.TransportError:
            return None
        return answer if answer.status_code == 200 else None

    assert server.eventually(ask).json() == "hello"
    assert health_check(url, LADING_TLS_CERT_FILE=str(made.server)) == 0
    assert health_check(url) != 0
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url + "/ping", timeout=PATIENCE_S)
    assert server.stop() == 0


def test_who_does_not_greet_on_a_tls_port_is_hung_up_on(start, tmp_path):
    """The handshake must be done in the time that a client has to send the head of a request."""
    made = make_certificates(tmp_path)
    server = start(
        LADING_TLS_CERT_FILE=str(made.server), LADING_TLS_KEY_FILE=str(made.key), LADING_CLIENT_TIMEOUT_S="1"
    )
    address = "127.0.0.1", int(server.url.rpartition(":")[2])

    # uvloop's own limit is a minute.
    with socket.create_connection(address, timeout=30) as silent, contextlib.suppress(ConnectionError):
        assert silent.recv(1) == b""


def test_a_certificate_that_has_expired_is_warned_of(start, tmp_path):
    """The log says which file it is and since when, at the start and when it is read again; it is served."""
    made = make_certificates(tmp_path)
    expire(made)
    server = start(LADING_TLS_CERT_FILE=str(made.server), LADING_TLS_KEY_FILE=str(made.key))
    server.eventually(lambda: server.log.count("the certificate has expired") == 1)
    server.eventually(lambda: "model ready" in server.log)
    server.process.send_signal(signal.SIGHUP)
    server.eventually(lambda: server.log.count("the certificate has expired") == 2)
    server.eventually(lambda: "model reloaded" in server.log)

    assert f"file={made.server} expired_at=20" in server.log
    assert server.stop() == 0


@pytest.mark.parametrize("wrong", ["missing", "other", "key only", "certificate only"])
def test_tls_files_that_do_not_fit_end_the_start(start, tmp_path, wrong):
    """A certificate without its own key is noticed before anything listens."""
    (tmp_path / "other").mkdir()
    made, other = make_certificates(tmp_path), make_certificates(tmp_path / "other")
    files = {
        "missing": (made.server, tmp_path / "none"),
        "other": (made.server, other.key),
        "key only": ("", made.key),
        "certificate only": (made.server, ""),
    }
    certificate, key = map(str, files[wrong])

    server = start(LADING_TLS_CERT_FILE=certificate, LADING_TLS_KEY_FILE=key)

    assert server.process.wait(PATIENCE_S) == 2
    assert "LADING_TLS_KEY_FILE" in server.log


def test_pages_of_other_origins_read_nothing_by_default(start):
    """Without origins, no answer says that a page may read it, and no preflight is agreed to."""
    server = start().until_ready()

    asked = {"origin": "https://page.example", "access-control-request-method": "POST"}
    preflight = httpx.options(server.url + "/invocations", headers=asked, timeout=PATIENCE_S)

    assert preflight.status_code == 405
    for answer in (preflight, status(server, origin="https://page.example")):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_named_origins_read_answers(start, keys):
    """A page of a named origin may ask before it sends a key, and read the answer; others may not."""
    origin = "https://page.example"
    server = start(
        LADING_CORS_ORIGINS=f"{origin}, http://localhost:3000", LADING_API_KEY_FILE=str(keys)
    ).until_ready()
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "inference-header-content-length, tracestate, x-api-key",
    }

    preflight = httpx.options(server.url + "/invocations", headers=asked, timeout=PATIENCE_S)
    answer = status(server, origin=origin, x_api_key=KEYS[0])
    refused = status(server, origin=origin)
    foreign = status(server, origin="https://elsewhere.example", x_api_key=KEYS[0])

    assert preflight.status_code == 200
    assert {
        preflight.headers["access-control-allow-origin"],
        answer.headers["access-control-allow-origin"],
    } == {origin}
    readable = answer.headers["access-control-expose-headers"]
    assert {"x-request-id", "inference-header-content-length"} <= set(readable.split(", "))
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("origins", ["page.example", "https://page.example/path", "*, https://page.example"])
def test_origins_that_no_browser_sends_end_the_start(start, origins):
    """What is no origin would never match, and is refused."""
    server = start(LADING_CORS_ORIGINS=origins)

    assert server.process.wait(PATIENCE_S) == 2
    assert "LADING_CORS_ORIGINS" in server.log
