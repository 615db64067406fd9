"""Faults that only a container's limits can make: no memory left, no disk left."""

import contextlib
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import lading_runtime
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.contracts.process.conftest import MODEL, eventually
from tests.contracts.process.traffic import Answer, Connection

pytestmark = pytest.mark.container

IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim-bookworm"
MEMORY = "256m"
DISK = "size=8m"
PORT = 8080
START = "LADING_MODEL_PYTHON=$(command -v python) exec python -m lading_runtime"


def answers_on(port: int) -> bool:
    """Tell whether the model answers there."""
    connection = Connection(port)
    try:
        return connection.ask("echo ready").status == 200
    finally:
        connection.close()


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return where a server listens that runs in a container with little memory and little disk."""
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    shutil.copytree(MODEL, tmp_path / "model", ignore=shutil.ignore_patterns("__pycache__"))
    container = DockerContainer(IMAGE).with_command(["sh", "-c", START])
    container.with_kwargs(mem_limit=MEMORY, memswap_limit=MEMORY)
    container.with_tmpfs_mount("/tmp", DISK)  # noqa: S108 - in the container
    mounts = {
        "/packages": sysconfig.get_path("purelib"),
        "/runtime": str(Path(lading_runtime.__file__).parents[1]),
        "/opt/ml/model": str(tmp_path / "model"),
    }
    for target, source in mounts.items():
        container.with_volume_mapping(source, target, "ro")
    environ = {
        "PYTHONPATH": "/runtime:/packages",
        "MLFLOW_MODELS_WORKERS": "1",
    }
    for name, value in environ.items():
        container.with_env(name, value)
    with container.with_exposed_ports(PORT):
        number = int(container.get_exposed_port(PORT))
        eventually(lambda: answers_on(number))
        yield number


def asked(port: int, prompt: str) -> tuple[Answer, float]:
    """Return the answer, and how many seconds after it the next request was answered."""
    with contextlib.closing(Connection(port)) as unfortunate, contextlib.closing(Connection(port)) as other:
        answer = unfortunate.ask(prompt)
        began = time.monotonic()
        after = other.ask("echo after")
        assert (after.status, after.text) == (200, '"after"')
        return answer, time.monotonic() - began


def test_a_model_process_that_eats_all_memory_is_a_500(port):
    """The kernel ends the model process and nothing else; the next request is answered at once."""
    answers = [asked(port, "eat") for _ in range(3)]

    assert {answer.status for answer, _ in answers} == {500}
    assert min(seconds for _, seconds in answers) < 0.25


def test_a_model_that_fills_the_disk_is_its_own_error(port):
    """A model for which there is no room raises; its process predicts on, and the room is free again."""
    answers = [asked(port, "fill") for _ in range(3)]

    assert {answer.status for answer, _ in answers} == {400}
    assert all("No space left on device" in answer.text for answer, _ in answers)
