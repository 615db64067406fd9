"""`lading serve` and `lading predict`: the same answers without a container."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.contracts.process.conftest import free_port

LADING = str(Path(sys.executable).with_name("lading"))
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [7.3, 2.9, 6.3, 1.8]]
JSON = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": ROWS}}).encode()
CSV = "\n".join((",".join(COLUMNS), *(",".join(map(str, row)) for row in ROWS))).encode()
ANSWER = {"predictions": [0, 2]}

PROCESS_MODEL = Path(__file__).parent / "process" / "model"
PID = b'{"prompt": "pid"}'
"""Asks that model for the process that it runs in."""

MADE = "make the environment: "
"""What `--progress plain` says at the end of that step."""


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


def test_serve_answers_until_it_is_told_to_stop(conformance, mlflow_python, tmp_path):
    """It listens where it was told to, and SIGTERM ends it and its processes."""
    environ = {"LADING_MODEL_PYTHON": str(mlflow_python)}

    with start(conformance.models / "iris", "local", tmp_path / "log", environ) as server:
        assert server.ask(JSON) == ANSWER

    with pytest.raises(ProcessLookupError):
        os.killpg(server.process.pid, 0)


@pytest.mark.parametrize("manager", ["uv", "virtualenv"])
def test_an_environment_is_made_once_for_all_who_need_it(tmp_path, manager):
    """Two servers that start at once make one environment and both run in it; so does who comes later."""
    model = shutil.copytree(PROCESS_MODEL, tmp_path / "model")
    (model / "requirements.txt").write_text("typing-extensions\n")
    environ = {"LADING_CACHE_DIR": str(tmp_path / "store")}
    logs = [tmp_path / "one", tmp_path / "two"]

    with start(model, manager, logs[0], environ) as one, start(model, manager, logs[1], environ) as two:
        pythons = {python_of(server.ask(PID)) for server in (one, two)}
    words = [LADING, "predict", "-m", model, "--env-manager", manager, "--progress", "plain"]
    later = subprocess.run(words, input=PID, capture_output=True, check=True, env={**os.environ, **environ})

    (folder,) = (tmp_path / "store" / "environments").iterdir()
    assert pythons == {str(folder / "bin" / "python")}
    assert [log.read_text().count(MADE) for log in logs] in ([0, 1], [1, 0])
    assert MADE not in later.stderr.decode()


@dataclass(frozen=True)
class Server:
    """A running `lading serve`, which SIGTERM ends when the block does."""

    process: subprocess.Popen[bytes]
    address: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def ask(self, body: bytes) -> Any:
        """Return the answer to *body*, once the server is ready."""
        wait_for(self.address, self.process)
        request = urllib.request.Request(
            f"{self.address}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def start(model: Path, manager: str, log: Path, environ: dict[str, str]) -> Server:
    """Start `lading serve` on a free port."""
    port = free_port()
    options = ["-p", str(port), "--env-manager", manager, "--progress", "plain"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [LADING, "serve", "-m", model, *options],
            env={**os.environ, **environ},
            stderr=file,
            start_new_session=True,
        )
    return Server(process, f"http://127.0.0.1:{port}")


def python_of(pid: int) -> str:
    """Return the interpreter that a process was started with."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()


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
