"""An image of a real model, built by the command line in each of its ways, and run by an engine."""

import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("image")]

FLOWERS = {
    "dataframe_split": {
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "data": [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.3, 2.9, 6.3, 1.8]],
    }
}
ANSWER = {"predictions": [0, 1, 2]}

ASK = """\
import json, sys, urllib.request
request = urllib.request.Request(
    "http://127.0.0.1:8080/invocations", sys.argv[1].encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())
"""
"""Asks from inside of a container that has no network."""

RIGHTS = """\
import os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
try:
    open("/opt/ml/model/x", "w")
except OSError as error:
    print(os.getuid(), int(status["CapEff"], 16), status["NoNewPrivs"], error.strerror)
print(sorted(os.listdir("/sys/class/net")))
"""


WAYS = {
    "docker": ("--engine", "docker"),
    "oci": ("-o", "docker"),
    "oci on an engine's base": ("-o", "docker", "--base-image", "docker-daemon:python:3.11-slim-bookworm"),
}
"""Built by the engine, and written by Lading itself on its own base and on the engine's."""


@dataclass(frozen=True)
class Built:
    """What `build-image --json` told of an image."""

    way: str
    name: str
    facts: dict[str, Any]


def build(model: Path, name: str, way: str, *options: str) -> Built:
    """Build an image with the command line."""
    program = Path(sys.executable).with_name("build-image")
    words = [str(program), "-m", str(model), "-n", name, "--json", *WAYS[way], *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Built(way, name, json.loads(done.stdout))


@pytest.fixture(scope="module")
def model(conformance, tmp_path_factory) -> Path:
    """The iris model, to be changed at will."""
    folder: Path = tmp_path_factory.mktemp("image") / "iris"
    shutil.copytree(conformance.models / "iris", folder)
    return folder


@pytest.fixture(scope="module", params=WAYS)
def iris(model, request) -> Iterator[Built]:
    """An image of the iris model."""
    name = f"lading-test/{uuid.uuid4().hex[:12]}:latest"
    built = build(model, name, request.param)
    yield built
    subprocess.run([str(shutil.which("docker")), "rmi", "--force", name], check=True, capture_output=True)


@pytest.fixture(scope="module", autouse=True)
def without_helpers() -> None:
    """Start no helper container for cleaning up: its image is in a registry that may be out of reach."""
    testcontainers_config.ryuk_disabled = True


def log_of(container: DockerContainer) -> str:
    """What the container has printed so far."""
    return "".join(part.decode() for part in container.get_logs())


@contextlib.contextmanager
def running(container: DockerContainer) -> Iterator[DockerContainer]:
    """Run a container until it is ready; it is removed afterwards."""
    with container:
        wrapped = container.get_wrapped_container()
        end = time.monotonic() + 180
        while "model ready" not in log_of(container):
            wrapped.reload()
            assert wrapped.status == "running", log_of(container)
            assert time.monotonic() < end, log_of(container)
            time.sleep(0.05)
        yield container


def inside(container: DockerContainer, *words: str) -> str:
    """Run a program inside; return what it printed."""
    code, output = container.get_wrapped_container().exec_run(list(words))
    assert isinstance(output, bytes)
    assert code == 0, output.decode()
    return output.decode()


def test_it_answers_on_a_published_port(iris):
    """One request gives the model's predictions, `/ping` is ready, `/` a page, and `/version` is JSON."""
    with running(DockerContainer(iris.name).with_exposed_ports(8080)) as container:
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8080)}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/invocations", json.dumps(FLOWERS).encode(), headers)

        with urllib.request.urlopen(request) as answer:
            assert json.load(answer) == ANSWER
        with urllib.request.urlopen(f"{address}/ping") as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{address}/") as answer:
            assert b"<h1" in answer.read()
        with urllib.request.urlopen(f"{address}/openapi.json") as answer:
            assert json.load(answer)["x-lading"]["example"]
        with urllib.request.urlopen(f"{address}/version") as answer:
            assert json.load(answer)


def test_it_needs_no_rights_no_network_and_no_writable_file(iris):
    """Read-only, without capabilities, new privileges and network, as any user, it predicts."""
    container = DockerContainer(
        iris.name,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        user="12345",
        network_mode="none",
    )
    python = "/opt/lading/bin/python"
    with running(container):
        rights = inside(container, python, "-c", RIGHTS)
        answer = inside(container, python, "-c", ASK, json.dumps(FLOWERS))

    assert rights.splitlines() == ["12345 0 1 Read-only file system", "['lo']"]
    assert json.loads(answer) == ANSWER


def test_it_starts_as_sagemaker_and_cloud_run_start_it(iris):
    """The argument `serve` and the variable PORT are understood, and the health check follows the port."""
    container = DockerContainer(iris.name).with_command("serve").with_env("PORT", "9123")
    with running(container):
        check = container.get_wrapped_container().attrs["Config"]["Healthcheck"]["Test"]
        assert inside(container, *check[1:]) == ""
        assert inside(
            container, "/opt/lading/bin/python", "-c", ASK.replace("8080", "9123"), json.dumps(FLOWERS)
        )


def test_pip_tells_what_was_captured(iris, model):
    """Whoever looks inside finds the model's Python first, and the packages that MLflow wrote down."""
    docker = str(shutil.which("docker"))
    pip = [docker, "run", "--rm", "--network=none", "--entrypoint", "python", iris.name, "-m", "pip"]

    listed = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True)
    checked = subprocess.run([*pip, "check"], check=False, capture_output=True, text=True)

    captured = (model / "requirements.txt").read_text().split()
    wanted = {line for line in captured if not line.startswith("mlflow")}
    assert wanted <= set(listed.stdout.split())
    assert (checked.returncode, checked.stdout) == (0, "No broken requirements found.\n")


def test_the_result_tells_of_the_image(iris):
    """Name, id, layers with sizes, and the seconds of each step are in the JSON."""
    facts = iris.facts
    layers = facts["layers"]

    assert facts["name"] == iris.name
    assert sum(layer["size_bytes"] for layer in layers) == facts["size_bytes"]
    resolving = ["fetch the model", "lock the environment", "fetch the wheels", "base image"]
    layers_of_classic = ["server layer", "environment layer", "model layer"]
    layers_of_oci = ["server layer", "environment layer", "bytecode layer", "model layer"]
    building = {
        "docker": (["layers"], layers_of_classic),
        "oci": ([*layers_of_oci, "load into the engine"],),
    }
    assert list(facts["seconds"]) in [resolving + steps for steps in building[iris.way[:6].split()[0]]]


def test_a_changed_model_touches_one_layer(iris, model):
    """After a change of the model, all layers but the last are the same."""
    name = iris.name.replace(":latest", ":changed")
    (model / "changed.txt").write_text(uuid.uuid4().hex)

    changed = build(model, name, iris.way)

    subprocess.run([str(shutil.which("docker")), "rmi", name], check=True, capture_output=True)
    before, after = (each.facts["layers"] for each in (iris, changed))
    assert [layer["digest"] for layer in before][:-1] == [layer["digest"] for layer in after][:-1]
    assert before[-1]["digest"] != after[-1]["digest"]
