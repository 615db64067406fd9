"""`lading serve` and `lading predict`: the same answers without a container."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

LADING = str(Path(sys.executable).with_name("lading"))
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [7.3, 2.9, 6.3, 1.8]]
JSON = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": ROWS}}).encode()
CSV = "\n".join((",".join(COLUMNS), *(",".join(map(str, row)) for row in ROWS))).encode()
ANSWER = {"predictions": [0, 2]}


@pytest.mark.parametrize(("kind", "body"), [("json", JSON), ("csv", CSV)])
def test_predict_reads_standard_input(conformance, kind, body):
    """One prediction in the captured environment, from either format; stdout is the answer alone."""
    words = [LADING, "predict", "-m", conformance.models / "iris", "-t", kind, "--env-manager", "uv"]

    done = subprocess.run(words, input=body, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == ANSWER


def test_predict_reads_and_writes_files(conformance, tmp_path, mlflow_python):
    """-i and -o name files; `local` takes an environment that is there already."""
    (tmp_path / "in.json").write_bytes(JSON)
    words = [LADING, "predict", "-m", conformance.models / "iris", "--env-manager", "local"]
    files = ["-i", tmp_path / "in.json", "-o", tmp_path / "out.json"]
    environ = {**os.environ, "LADING_MODEL_PYTHON": str(mlflow_python)}

    done = subprocess.run([*words, *files], capture_output=True, check=False, env=environ)

    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    assert json.loads((tmp_path / "out.json").read_text()) == ANSWER


def test_a_refused_prediction_is_11_and_says_why(conformance, mlflow_python):
    """The server's error is the message, without the input's values."""
    words = [LADING, "predict", "-m", conformance.models / "iris", "--env-manager", "local"]
    environ = {**os.environ, "LADING_MODEL_PYTHON": str(mlflow_python)}

    done = subprocess.run(words, input=b'{"inputs": 12345}', capture_output=True, check=False, env=environ)

    last = done.stderr.decode().splitlines()[-1]
    assert (done.returncode, done.stdout) == (11, b"")
    assert last.startswith("lading: ")
    assert "12345" not in last


def test_serve_answers_until_it_is_told_to_stop(conformance, mlflow_python):
    """It listens where it was told to, and SIGTERM ends it and its processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [LADING, "serve", "-m", conformance.models / "iris", "-p", str(port), "--env-manager", "local"]
    environ = {**os.environ, "LADING_MODEL_PYTHON": str(mlflow_python)}

    with subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, start_new_session=True) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, server)
            request = urllib.request.Request(
                f"{address}/invocations", JSON, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                assert json.load(answer) == ANSWER
        finally:
            server.send_signal(signal.SIGTERM)

    with pytest.raises(ProcessLookupError):
        os.killpg(server.pid, 0)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server is ready."""
    while True:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"{address}/ping").close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
