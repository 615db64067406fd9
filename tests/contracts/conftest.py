"""Servers of real models, and what MLflow's own client gets from them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.contracts.process.conftest import ServerProcess
from tests.flavours.environment import python

Starter = Callable[[Path, Path], ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Return a function that serves a model with an interpreter; the servers end with the test."""
    started: list[ServerProcess] = []

    def start_one(model: Path, python: Path) -> ServerProcess:
        """Start a server."""
        environ = {"LADING_MODEL": str(model), "LADING_MODEL_PYTHON": str(python), "OMP_NUM_THREADS": "1"}
        started.append(ServerProcess(tmp_path, environ))
        return started[0].until_ready()

    yield start_one
    for server in started:
        server.stop()


def ask_as_mlflow(with_mlflow: Path, model: Path, server: ServerProcess) -> str:
    """Return what `tests.flavours.client` prints last."""
    url = httpx.URL(server.url)
    return python(with_mlflow, "tests.flavours.client", model, url.host, url.port).splitlines()[-1]
