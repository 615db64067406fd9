"""From the environment to a server that is ready, or to an exit code that says why not."""

import os
import stat
from pathlib import Path

import pytest

from tests.contracts.process.conftest import PATIENCE_S


def test_http_is_up_before_the_model_is_loaded(start, tmp_path):
    """A server is alive at once, ready when the model is, and says so to those who come too early."""
    server = start(LOADING="waits")
    server.eventually(server.is_answering)

    ping, early = server.get("/ping"), server.ask("echo early")
    (tmp_path / "model" / "gate").touch()

    assert (ping.status_code, early.status_code) == (503, 503)
    assert ping.headers["retry-after"] == "1"
    assert ping.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert server.until_ready().ask("echo now").json() == "now"


def test_why_a_model_cannot_be_loaded_can_be_asked_for(start):
    """After a failed load every answer says why, for as long as a grace lasts."""
    server = start(LOADING="raises", MLFLOW_MODELS_WORKERS="2", LADING_LOAD_FAILURE_GRACE_S="600")
    server.eventually(lambda: server.is_answering() and b"reason" in server.get("/health").content)
    server.eventually(lambda: "model not loaded" in server.log)  # the master looks once a second

    ping, health, refused = server.get("/ping"), server.get("/health"), server.ask("echo")

    assert health.status_code == 200
    assert (ping.status_code, refused.status_code) == (503, 503)
    for text in (ping.text, health.text, refused.text):
        assert "the weights are missing" in text
    server.eventually(lambda: server.log.count("model not loaded") == 1)


@pytest.mark.parametrize(
    ("loading", "reason"), [("raises", "the weights are missing"), ("dies", "exit code 7")]
)
def test_a_model_that_cannot_be_loaded_ends_the_server(start, loading, reason):
    """When the grace is over, the exit code is 3; whether loading failed or ended the whole process."""
    server = start(LOADING=loading, MLFLOW_MODELS_WORKERS="2", LADING_LOAD_FAILURE_GRACE_S="0.5")

    assert server.process.wait(PATIENCE_S) == 3
    assert server.log.count("model not loaded") == 1
    assert reason in server.log


def test_a_model_host_that_dies_while_loading_is_a_failed_load(start):
    """A model whose loading ends the process is a model that cannot be loaded, and that is said."""
    server = start(LOADING="dies", LADING_LOAD_FAILURE_GRACE_S="600")

    server.eventually(lambda: server.is_answering() and b"exit code 7" in server.get("/health").content)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("MLFLOW_MODELS_WORKERS", "none"),
        ("MLFLOW_MODELS_WORKERS", "257"),
        ("LADING_MODEL", "/nonexistent"),
        ("LADING_MODEL_PYTHON", "/nonexistent"),
        ("GUNICORN_CMD_ARGS", "--workers many"),
        ("GUNICORN_CMD_ARGS", "--workers -1"),
        ("GUNICORN_CMD_ARGS", "--workers 0"),
        ("GUNICORN_CMD_ARGS", "--no-such-option"),
        ("GUNICORN_CMD_ARGS", "--workers 257"),
        ("GUNICORN_CMD_ARGS", "--bind 'unclosed"),
        ("GUNICORN_CMD_ARGS", "--bind bad:bad:bad"),
        ("GUNICORN_CMD_ARGS", "--bind fd://none"),
        ("AIP_PREDICT_ROUTE", "/{a}/{a}"),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_code_2(start, name, value):
    """A setting that cannot be used is named in one line; nothing is left running."""
    server = start(**{name: value})

    assert server.process.wait(PATIENCE_S) == 2
    assert server.log.startswith(f"lading_runtime: {name}: ")
    assert server.log.count("\n") == 1


def test_an_unknown_argument_is_refused(start):
    """The only argument is SageMaker's."""
    assert start("train").process.wait(PATIENCE_S) == 2


def test_sagemaker_calls_the_image_with_serve(start):
    """``serve`` is what the image does anyway."""
    assert start("serve").until_ready().ask("echo hello").json() == "hello"


def test_gunicorn_arguments_win(start):
    """``GUNICORN_CMD_ARGS`` wins over MLFLOW_MODELS_WORKERS and PORT; a foreign worker class is ignored."""
    server = start(
        MLFLOW_MODELS_WORKERS="1",
        PORT="1",
        GUNICORN_CMD_ARGS="--workers 3 --bind 127.0.0.1:0 --timeout 60 -k gevent --log-level warning",
    )
    server.eventually(lambda: len(server.workers()) == 3)

    assert "INFO" not in server.log


def test_a_port_that_is_taken_ends_the_server(start):
    """A server that cannot listen says so and leaves nothing running."""
    first = start().until_ready()

    second = start(PORT=first.url.rpartition(":")[2])

    assert second.process.wait(PATIENCE_S) not in (0, None)
    assert "in use" in second.log


def test_nothing_is_written_to_disk(start, tmp_path):
    """A server needs no folder that it can write to, no home, and no name for its user."""
    for folder in (tmp_path / "model", tmp_path / "model" / "code"):
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = files(tmp_path)

    server = start(HOME="/nonexistent", TMPDIR="/nonexistent").until_ready()

    assert server.ask("echo hello").json() == "hello"
    assert files(tmp_path) - before == {tmp_path / "log"}


def files(folder: Path) -> set[Path]:
    """Return all files below a folder but Python's own caches, which it writes where it may."""
    return {Path(root, name) for root, _, names in os.walk(folder) for name in names if name[-4:] != ".pyc"}


def test_numerical_libraries_share_the_processors(start):
    """A model process is told how many threads are its share, and that they sleep while they wait."""
    server = start().until_ready()

    assert 1 <= int(server.ask("variable OMP_NUM_THREADS").json()) <= len(os.sched_getaffinity(0))
    assert server.ask("variable OMP_WAIT_POLICY").json() == "PASSIVE"


def test_a_number_of_threads_that_somebody_has_set_stays(start):
    """What a user says of threads is all that the model's libraries are told."""
    server = start(OMP_NUM_THREADS="7").until_ready()

    assert server.ask("variable OMP_NUM_THREADS").json() == "7"
    assert server.ask("variable OPENBLAS_NUM_THREADS").json() is None
