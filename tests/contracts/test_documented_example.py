"""The complete example of MLflow's documentation, word for word, against Lading's image.

One word is another: the example's port 5000, where many machines have something else, is a free one here.
"""

import contextlib
import json
import re
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("documented_example")]

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "seed" / "mlflow-model-serving.md"
WAYS = (("--engine", "docker"), ("--engine", "oci", "-o", "docker"))
"""Built by the engine, and written by Lading itself."""

CLIENT = """\
import json, sys
import numpy as np, pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready(timeout=180)
rows = [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.3, 2.9, 6.3, 1.8]]
frame = client.invoke(pd.DataFrame(rows)).get_predictions()
array = client.invoke(np.array(rows)).get_predictions()
client.get_version()
print(json.dumps([frame[0].tolist(), array[0].tolist()]))
"""


@dataclass(frozen=True)
class Example:
    """The code blocks of the example."""

    train: str
    promote: str
    serve: str
    request: str


def documented_example() -> Example:
    """The blocks of the section "Complete Example", in its order."""
    text = DOCUMENT.read_text()
    section = text[text.index("## Complete Example") :]
    train, promote, serve, _, request = re.findall(r"(?:python|bash)\n\n```\n(.*?)```", section, re.DOTALL)
    return Example(train, promote, serve, request)


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a command to its end; return what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words[:4]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wait_until_ready(port: int, limit_s: float = 180) -> None:
    """Wait for `/ping`."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    pytest.fail("the container was not ready in time")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, mlflow_python: Path) -> Path:
    """A folder where the example's training and promotion have run."""
    folder = tmp_path_factory.mktemp("example")
    example = documented_example()
    run(mlflow_python, "-c", example.train, cwd=folder)
    run(mlflow_python, "-c", example.promote, cwd=folder)
    return folder


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options of one way to build."""
    options: tuple[str, ...] = request.param
    return options


@pytest.fixture(scope="module")
def port(store: Path, way: tuple[str, ...]) -> Iterator[int]:
    """Where a container of the image of `models:/iris_classifier@production` answers."""
    (uri,) = re.findall(r'--model-uri "(.*?)"', documented_example().serve)
    run("build-image", "-m", uri, "-n", "lading-test/example:latest", *way, cwd=store)
    name = run("docker", "run", "-d", "-p", "127.0.0.1::8080", "lading-test/example:latest").strip()
    try:
        published = int(run("docker", "port", name, "8080").rpartition(":")[2])
        wait_until_ready(published)
        yield published
    finally:
        run("docker", "rm", "--force", name)


def test_the_documented_requests_get_the_documented_answers(port: int, mlflow_python: Path):
    """The documentation's own client code prints its three predictions, 200 for /ping, and a version."""
    client = documented_example().request.replace("localhost:5000", f"localhost:{port}")
    printed = run(mlflow_python, "-c", client)

    assert "Predictions: {'predictions': [0, 1, 2]}" in printed
    assert "Health status: 200" in printed
    assert "Model version info: {" in printed


def test_mlflows_own_client_gets_the_same_predictions(port: int, mlflow_python: Path):
    """MLflow's ScoringServerClient reads the predictions for a frame and for an array."""
    printed = run(mlflow_python, "-c", CLIENT, port)

    assert json.loads(printed.splitlines()[-1]) == [[0, 1, 2], [0, 1, 2]]


def test_the_open_inference_protocol_calls_it_as_the_registry_does(port: int):
    """Whoever asked for an alias of a registered model finds its name, and the version that it stood for."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/iris_classifier", timeout=60) as answer:
        said = json.load(answer)

    assert (said["name"], said["versions"]) == ("iris_classifier", ["1"])


def test_every_uri_of_the_model_gives_the_same_environment_layers(way: tuple[str, ...], store: Path):
    """The run, the version and the alias name one model, so their images share base and environments."""
    with contextlib.closing(sqlite3.connect(store / "mlflow.db")) as database:
        ((run_id,),) = database.execute("select run_uuid from runs")
    layers = []
    for uri in (f"runs:/{run_id}/model", "models:/iris_classifier/1", "models:/iris_classifier@production"):
        run("build-image", "-m", uri, "-n", "lading-test/example-uris:latest", *way, cwd=store)
        inspected = run("docker", "image", "inspect", "lading-test/example-uris:latest")
        *shared, _ = json.loads(inspected)[0]["RootFS"]["Layers"]
        layers.append(shared)

    assert layers[0] == layers[1] == layers[2]
