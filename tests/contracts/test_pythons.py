"""Images of models of other Pythons than this one: each has a server of its own, with its own lock."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.contracts.process.conftest import MODEL
from tests.contracts.test_image import ASK, build, inside, running

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("image")]

VERSION = """\
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8080/version").read().decode())
"""


@pytest.fixture
def image(tmp_path) -> Iterator[Callable[[str], str]]:
    """Return a function that builds an image of a model that was logged with some Python."""
    testcontainers_config.ryuk_disabled = True
    name = f"lading-test/{uuid.uuid4().hex[:12]}:python"

    def build_one(python: str) -> str:
        """Build an image."""
        folder = Path(
            shutil.copytree(MODEL, tmp_path / "model", ignore=shutil.ignore_patterns("__pycache__"))
        )
        described = (folder / "MLmodel").read_text()
        (folder / "MLmodel").write_text(described.replace("3.11.7", python))
        (folder / "python_env.yaml").write_text(f"python: {python}\ndependencies: [pyyaml]\n")
        return build(folder, name, "oci").name

    yield build_one
    subprocess.run([str(shutil.which("docker")), "rmi", "--force", name], check=True, capture_output=True)


@pytest.mark.parametrize("python", ["3.9.18", "3.13.0"])
def test_a_model_of_another_python_is_served_by_it(image, python):
    """A model of any Python that Debian has becomes an image whose model and server run on that Python."""
    name = image(python)

    # One worker: it is the one that says that it is ready.
    container = DockerContainer(name, read_only=True, network_mode="none").with_env(
        "MLFLOW_MODELS_WORKERS", "1"
    )
    with running(container):
        answered = inside(container, "/opt/lading/bin/python", "-c", ASK, '{"prompt": "echo hello"}')
        told = json.loads(inside(container, "/opt/lading/bin/python", "-c", VERSION))

    assert json.loads(answered) == "hello"
    assert told["python"].rpartition(".")[0] == python.rpartition(".")[0]
    assert told["model"]["python"] == python
