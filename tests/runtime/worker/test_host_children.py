"""What a model starts beside itself, and long texts of errors: nothing of either stays behind."""

import os
import signal
import time
from pathlib import Path

import pytest

STARTER = """
import os, subprocess, time

class Model:
    def predict(self, data, params=None):
        if data == "program":
            return subprocess.Popen(["sleep", "300"]).pid
        pid = os.fork()
        if pid == 0:
            time.sleep(300)
            os._exit(0)
        return pid

def _load_pyfunc(path):
    return Model()
"""


def has_ended(pid: int) -> bool:
    """Wait until a process has ended; one that is only waited for has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return False


@pytest.mark.parametrize("kind", ["program", "fork"])
def test_what_a_model_started_ends_when_its_process_is_killed(start_host, make_model, kind):
    """A model process whose deadline passed takes the processes that it started with it."""
    process = start_host(make_model(STARTER)).model_process()
    started = process.predict(kind)

    os.kill(process.pid, signal.SIGKILL)

    assert has_ended(started)


def test_what_a_model_started_ends_with_the_host(start_host, make_model):
    """When the server ends, nothing that a prediction started runs on."""
    host = start_host(make_model(STARTER))
    started = host.model_process().predict("program")

    host.end()

    assert has_ended(started)


def test_a_very_long_reason_against_loading_is_shortened(start_host, make_model):
    """The beginning of what a failing load says is told, and not megabytes of it."""
    host = start_host(
        make_model("def _load_pyfunc(path):\n    raise RuntimeError('no weights ' * 100_000)\n")
    )

    error = host.model_process().first["error"]

    assert error["message"].startswith("RuntimeError: no weights no weights")
    assert len(str(error)) < 20_000
