"""LightGBM on a base image without ``libgomp.so.1``, which its wheel expects of the system."""

import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.contracts.test_image import ASK, build, inside, log_of, running
from tests.flavours.environment import models_of

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("image")]

DOCKERFILE = """\
FROM python:3.11-slim-bookworm
RUN find / -xdev -name 'libgomp.so*' -delete && ldconfig
"""


def docker(*words: str, text: str | None = None) -> None:
    """Run Docker's command line."""
    subprocess.run([str(shutil.which("docker")), *words], input=text, text=True, check=True)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """An image with Python and without the library."""
    testcontainers_config.ryuk_disabled = True
    name = f"lading-test/{uuid.uuid4().hex[:12]}:bare"
    docker("build", "--quiet", "--tag", name, "-", text=DOCKERFILE)
    yield name
    docker("rmi", "--force", name)


@pytest.fixture
def image(base, tmp_path) -> Iterator[Callable[..., str]]:
    """Return a function that builds a model with more requirements, on that base."""
    name = base.replace(":bare", ":model")

    def build_one(model: Path, *requirements: str) -> str:
        """Build an image."""
        folder = shutil.copytree(model, tmp_path / "model")
        with (folder / "requirements.txt").open("a") as file:
            file.write("".join(f"\n{line}" for line in requirements))
        return build(folder, name, "docker", "--base-image", base).name

    yield build_one
    docker("rmi", "--force", name)


def test_another_wheels_library_is_taken(image):
    """Where another package's wheel brings the library, LightGBM predicts, and nothing need be writable."""
    folder = models_of("lightgbm", "light") / "classifier"
    body, _, answer = json.loads((folder / "served.json").read_text())[0]
    name = image(folder / "model", "scikit-learn", "skops")

    container = DockerContainer(name, read_only=True, cap_drop=["ALL"], network_mode="none")
    # One worker: it is the one that says that it is ready.
    with running(container.with_env("MLFLOW_MODELS_WORKERS", "1")):
        answered = inside(container, "/opt/lading/bin/python", "-c", ASK, body)

    assert json.loads(answered) == answer


def test_what_is_missing_is_named(image):
    """Where no wheel brings it, the log says which library, which package has it, and what to do."""
    folder = models_of("lightgbm", "light") / "booster"

    with DockerContainer(image(folder / "model")) as container:
        end = time.monotonic() + 180
        while "cannot be loaded" not in log_of(container):
            assert time.monotonic() < end, log_of(container)
            time.sleep(0.05)
        (line,) = {line for line in log_of(container).splitlines() if "cannot be loaded" in line}

    assert "'libgomp.so.1'" in line
    assert "'libgomp1'" in line
    assert "--base-image" in line
