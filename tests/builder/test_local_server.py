"""A server process on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lading.errors import PredictionRefused, ServeFailed
from lading.local_server import LocalServer

SERVER = """\
import http.server, json, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    is_ready = False

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200 if Handler.is_ready else 503)
        Handler.is_ready = True
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_refused = body == b"refuse"
        answer = {"error_code": "BAD", "message": "no such column"} if is_refused else {
            "body": body.decode(), "type": self.headers["Content-Type"], "model": os.environ["LADING_MODEL"]}
        data = json.dumps(answer).encode()
        self.send_response(400 if is_refused else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

if os.environ["LADING_MODEL"] == "broken":
    print(json.dumps({"level": "ERROR", "reason": "the model is broken"}))
    sys.exit("last line")
if os.environ["LADING_MODEL"] == "code":
    sys.exit(7)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as gunicorn, which loads anew and goes on
open(os.environ["PID_FILE"], "w").write(str(os.getpid()))
http.server.HTTPServer((os.environ["LADING_HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def server(tmp_path):
    """Return a server for a model's name."""
    (tmp_path / "server.py").write_text(SERVER)

    def named(model: str) -> LocalServer:
        environ = {"LADING_MODEL": model, "PID_FILE": str(tmp_path / "pid")}
        return LocalServer((sys.executable, str(tmp_path / "server.py")), environ)

    return named


def test_one_prediction_waits_for_the_server_and_ends_it(server, tmp_path):
    """The request is sent when the server is ready, with its type; afterwards no process is left."""
    answer = json.loads(server("iris").predict(b"1,2", "text/csv"))

    assert answer == {"body": "1,2", "type": "text/csv", "model": "iris"}
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_refused_prediction_is_an_error_with_the_servers_words(server):
    """What the server answers is what the user reads."""
    with pytest.raises(PredictionRefused, match=r"^BAD: no such column$"):
        server("iris").predict(b"refuse", "application/json")


def test_a_server_that_does_not_start_says_why(server):
    """The reason in its log is the message."""
    with pytest.raises(ServeFailed, match="the server ended: the model is broken; --debug"):
        server("broken").predict(b"", "application/json")


def test_serving_ends_with_the_servers_exit_code(server, tmp_path):
    """The command stands for the server: it ends when that ends, with its code."""
    script = f"""\
import sys
from lading.local_server import LocalServer
sys.exit(LocalServer({server("code").command!r}, {server("code").environ!r}).run({{}}))
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)

    assert done.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_the_server_first(server, tmp_path, number):
    """SIGTERM is handed on, Ctrl-C is waited for, and the server does not outlive the terminal."""
    started = server("iris")
    script = f"""\
import sys
from lading.local_server import LocalServer
settings = {{"LADING_HOST": "127.0.0.1", "PORT": "0"}}
sys.exit(LocalServer({started.command!r}, {started.environ!r}).run(settings))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stderr=subprocess.DEVNULL
    )
    pid = _pid(tmp_path / "pid")

    if number is signal.SIGTERM:
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)

    process.wait(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_nohup_keeps_a_server(server, tmp_path):
    """Who starts it with SIGHUP ignored wants it to outlive the terminal."""
    started = server("iris")
    script = f"""\
import signal, sys
from lading.local_server import LocalServer
signal.signal(signal.SIGHUP, signal.SIG_IGN)
settings = {{"LADING_HOST": "127.0.0.1", "PORT": "0"}}
sys.exit(LocalServer({started.command!r}, {started.environ!r}).run(settings))
"""
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    _pid(tmp_path / "pid")

    os.killpg(process.pid, signal.SIGHUP)

    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.terminate()
    assert process.wait(timeout=60) == 0


def _pid(path: Path) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError("the server did not start")
