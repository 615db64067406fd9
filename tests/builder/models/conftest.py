"""Tracking stores and servers of the real MLflow, and certificates for one."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import uv
from lading.model import ResolvedModel
from lading.models.fetch import fetch
from lading.models.tracking import Patience, TrackingSettings
from lading.progress import Silent
from lading.reference import parse_model_ref

from tests.conftest import CACHE, made_once, run

HERE = Path(__file__).parent
OLD_MLFLOW = ("mlflow-skinny==2.9.2", "sqlalchemy<2.1", "alembic", "setuptools<80")
"""What an MLflow of 2023 needs to write a database and a file store."""

MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    loader_module: loader
mlflow_version: 2.9.2
"""


@dataclass(frozen=True)
class Store:
    """One tracking store, and what is in it."""

    uri: str
    runs: list[str]
    models: list[str]
    """Ids of logged models by version; none where MLflow is older than 3."""

    mlflow: str


@pytest.fixture(scope="session")
def written(mlflow_python: Path) -> Path:
    """A folder of stores that MLflow 3 wrote: database, file store, and what a tracking server keeps."""
    with made_once(CACHE / "stores-3") as (folder, is_missing):
        if is_missing:
            model = _model_folder(folder)
            with served(mlflow_python, folder) as url:
                uris = [f"sqlite:///{folder}/mlflow.db", str(folder / "mlruns"), url]
                _write(mlflow_python, folder, model, uris)
    return CACHE / "stores-3"


@pytest.fixture(scope="session")
def written_by_mlflow_2() -> Path:
    """A folder of stores that MLflow 2.9.2 wrote: database and file store."""
    with made_once(CACHE / "stores-2") as (folder, is_missing):
        if is_missing:
            python = folder / "venv" / "bin" / "python"
            run(uv.find_uv_bin(), "venv", "--quiet", "--python", "3.11", folder / "venv")
            run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, *OLD_MLFLOW)
            model = _model_folder(folder)
            _write(python, folder, model, [f"sqlite:///{folder}/mlflow.db", str(folder / "mlruns")])
            shutil.rmtree(folder / "venv")
    return CACHE / "stores-2"


def _model_folder(folder: Path) -> Path:
    model = folder / "model"
    (model / "data").mkdir(parents=True)
    (model / "MLmodel").write_text(MLMODEL)
    (model / "data" / "weights ü 50%.bin").write_bytes(bytes(range(256)) * 9000)
    (model / "data" / "empty").touch()
    return model


def _write(python: Path, folder: Path, model: Path, uris: list[str]) -> None:
    environment = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "GIT_PYTHON_REFRESH": "quiet"}
    command = [str(python), str(HERE / "write_stores.py"), str(model), *uris]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"MLflow wrote no stores:\n{done.stdout}\n{done.stderr}", pytrace=False)
    (folder / "stores.json").write_text(done.stdout.strip().splitlines()[-1])


@contextmanager
def served(python: Path, folder: Path) -> Iterator[str]:
    """Run MLflow's tracking server on a free port over what *folder* keeps for it; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(
            str(python),
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ),
        *("--backend-store-uri", f"sqlite:///{folder}/server.db", "--serve-artifacts"),
        *("--artifacts-destination", str(folder / "server-artifacts")),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / f"server-{port}.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}", server, Path(log.name))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{url}/health"):
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail(f"MLflow's tracking server did not start:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="session")
def server(mlflow_python: Path, written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A tracking server of the real MLflow with models in it."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(written / "server.db", folder)
    shutil.copytree(written / "server-artifacts", folder / "server-artifacts")
    with served(mlflow_python, folder) as url:
        yield replace(_stores(written)[2], uri=url)


def _stores(folder: Path) -> list[Store]:
    return [Store(**store) for store in json.loads((folder / "stores.json").read_text())]


@pytest.fixture(params=["database", "files", "database of 2.9", "files of 2.9", "server"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of tracking store in turn."""
    if request.param == "server":
        served_store: Store = request.getfixturevalue("server")
        return served_store
    is_old = request.param.endswith("of 2.9")
    folder: Path = request.getfixturevalue("written_by_mlflow_2" if is_old else "written")
    return _stores(folder)[0 if request.param.startswith("database") else 1]


@pytest.fixture
def database(written: Path) -> Store:
    """A database of MLflow 3."""
    return _stores(written)[0]


@pytest.fixture
def file_store(written: Path) -> Store:
    """A file store of MLflow 3."""
    return _stores(written)[1]


@dataclass(frozen=True)
class Fetch:
    """Fetches models into a folder of its own, without waiting between retries."""

    into: Path

    def __call__(self, text: str, uri: str, **variables: str) -> ResolvedModel:
        """Return the model that *text* names in the store at *uri*."""
        settings = self.settings(uri, **variables)
        return fetch(parse_model_ref(text), into=self.into, settings=settings, progress=Silent())

    def settings(self, uri: str, **variables: str) -> TrackingSettings:
        """Return settings for a store, from these environment variables and no others."""
        folder = self.into.parent
        found = TrackingSettings.from_environment(
            {"MLFLOW_TRACKING_URI": uri, **variables}, folder, home=folder
        )
        return replace(found, patience=Patience(timeout_s=10, backoff_s=0))

    @property
    def left(self) -> list[Path]:
        """What is in the folder now."""
        return list(self.into.iterdir()) if self.into.exists() else []


@pytest.fixture
def fetched(tmp_path: Path) -> Fetch:
    """Fetches models for this test."""
    return Fetch(tmp_path / "into")


@dataclass(frozen=True)
class Certificates:
    """A CA, a certificate of it for localhost, and one for a client."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The CA's certificate."""
        return self.folder / "ca.pem"

    @property
    def client(self) -> Path:
        """The client's certificate and key, in one file."""
        return self.folder / "client.pem"

    def server_context(self, *, demands_client: bool = False) -> ssl.SSLContext:
        """Return what a server needs to be localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        if demands_client:
            context.load_verify_locations(self.authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="session")
def certificates(mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates made for this session (MLflow's environment has what makes them)."""
    folder = tmp_path_factory.mktemp("certificates")
    run(mlflow_python, HERE / "make_certificates.py", folder)
    return Certificates(folder)
