"""A registry with an image in it, as fleets have them, and the command line that changes it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testcontainers.core.config import testcontainers_config

from tests.conftest import run
from tests.registries.counting import Relay, relaying
from tests.registries.debian import running_registry

BASE = "debian:bookworm"
RETRAIN = """\
import sys
import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
features, species = load_iris(return_X_y=True, as_frame=True)
mlflow.sklearn.save_model(
    LogisticRegression(max_iter=200).fit(features, 2 - species),
    sys.argv[1],
    signature=infer_signature(features, species.to_numpy()),
    input_example=features.head(2),
    serialization_format="skops",
)
"""
"""A model like the first one, that takes each species for the opposite one."""


@dataclass(frozen=True)
class Fleet:
    """The image, the model in it, and one that was trained again."""

    relay: Relay
    old: Path
    new: Path

    @property
    def host(self) -> str:
        """The registry, as references name it."""
        return self.relay.host

    @property
    def live(self) -> str:
        """The image's name."""
        return f"{self.host}/fleet/iris:live"

    def start(self, program: str, *words: object, **variables: str) -> "subprocess.Popen[str]":
        """Start one of our programs."""
        command = [str(Path(sys.executable).with_name(program)), *map(str, words), "--progress", "none"]
        environ = {**os.environ, **variables}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environ)

    def told(self, program: str, *words: object, **variables: str) -> dict[str, Any]:
        """Run a program that prints JSON; return that."""
        with self.start(program, *words, "--json", **variables) as process:
            printed, errors = process.communicate()
        assert process.returncode == 0, errors
        facts: dict[str, Any] = json.loads(printed)
        return facts

    def refused(self, program: str, *words: object) -> str:
        """Run a program that refuses; return why."""
        with self.start(program, *words) as process:
            printed, errors = process.communicate()
        assert process.returncode not in {0, 1}, printed + errors
        assert len(errors.splitlines()) == 1, errors
        return errors

    def build(self, model: Path, name: str, *words: object) -> str:
        """Build and push an image; return its digest."""
        return str(self.told("build-image", *self.usual(model, name), *words)["digest"])

    def usual(self, model: Path, name: str) -> tuple[object, ...]:
        """Return the options that build and push an image."""
        return ("-m", model, "-n", name, "-o", "registry", "--base-image", BASE)

    def digest(self, name: str) -> str:
        """Return what a name stands for in the registry."""
        inspected = run("skopeo", "inspect", "--tls-verify=false", "--no-tags", f"docker://{name}")
        return str(json.loads(inspected)["Digest"])


@pytest.fixture(scope="session")
def fleet(conformance, mlflow_python, tmp_path_factory) -> Iterator[Fleet]:
    """A registry that has the image."""
    testcontainers_config.ryuk_disabled = True  # its image is in a registry that may be out of reach
    folder = tmp_path_factory.mktemp("fleet")
    old, new = (folder / name / "iris" for name in ("old", "new"))
    shutil.copytree(conformance.models / "iris", old)
    run(mlflow_python, "-c", RETRAIN, new)
    for name in ("conda.yaml", "python_env.yaml", "requirements.txt"):
        shutil.copyfile(old / name, new / name)
    with running_registry(folder / "registry") as registry, relaying(registry.port) as relay:
        fleet = Fleet(relay, old, new)
        fleet.build(old, fleet.live)
        yield fleet


@pytest.fixture
def model(fleet, tmp_path) -> Path:
    """A model to be changed at will."""
    folder: Path = tmp_path / "iris"
    shutil.copytree(fleet.new, folder)
    return folder
