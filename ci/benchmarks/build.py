"""Image builds, side by side on one base image: MLflow's own generated Dockerfile, and Lading.

MLflow is timed for ``docker build`` alone; Lading for the whole ``build-image`` process, with the container
engine and without one. The base is the local Python image with pip, a compiler-free Debian and this machine's
CA, because MLflow's Dockerfile installs from Debian's archive and PyPI while it builds. As in Debian's own
images (debuerreotype's ``docker-clean``) apt keeps no caches in it, nor in what is built on it. All images
stand on it. "Cold" is an engine without layers, or an empty folder, beside a store that has the wheels;
"cold, wheels only" is a store that has nothing else, so every layer is made anew. Rounds alternate.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from measure import FOLDER, MLFLOW_PYTHON, REPOSITORY, Table, peak_mb, run, seconds, trained_model

BASE = "lading-bench/base:latest"
LAYOUT = FOLDER / "layout"
LAYOUT_NAME = "lading-bench/layout:latest"
MADE_OF_WHEELS = (
    *("segments", "wheel-layers", "environments"),
    *("bytecode", "bytecode-graphs", "bytecode-layers", "bytecode-roots"),
)
"""Kinds of entries of the store."""

LARGE_BYTES = 3_000_000_000
CHUNK_BYTES = 1 << 20
BASE_DOCKERFILE = """\
FROM {base}
ENV PIP_BREAK_SYSTEM_PACKAGES=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \\
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
RUN printf 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\\n' > /etc/apt/apt.conf.d/docker-clean
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip python-is-python3 \\
    && rm -rf /var/lib/apt/lists/*
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
"""


def make_base(base: str) -> None:
    """Make the image that both stand on."""
    folder = FOLDER / "base"
    folder.mkdir(parents=True, exist_ok=True)
    bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(bundle, folder / "ca-certificates.crt")
    (folder / "Dockerfile").write_text(BASE_DOCKERFILE.format(base=base))
    run("docker", "build", "--network", "host", "--tag", BASE, folder)


def write_mlflow_context(model: Path) -> Path:
    """Have MLflow generate its Dockerfile for *model*, on our base; return the folder."""
    folder = FOLDER / "mlflow-context"
    shutil.rmtree(folder, ignore_errors=True)
    command = ("models", "generate-dockerfile", "-m", model, "-d", folder, "--env-manager", "local")
    run(MLFLOW_PYTHON.with_name("mlflow"), *command)
    dockerfile = folder / "Dockerfile"
    text = re.sub(r"(?m)^FROM .*$", f"FROM {BASE}", dockerfile.read_text(), count=1)
    dockerfile.write_text(text)
    return folder


def build_mlflow(context: Path, *options: str) -> None:
    """Build what MLflow generated, with the builder that Lading takes: BuildKit where buildx is."""
    command = [shutil.which("docker") or "docker", "buildx", "version"]
    has_buildx = subprocess.run(command, capture_output=True, check=False).returncode == 0
    environment = {"DOCKER_BUILDKIT": "1" if has_buildx else "0"}
    words = ("--network", "host", "--tag", "lading-bench/mlflow", context)
    run("docker", "build", *options, *words, env=environment)


def build_lading(model: Path, *options: str) -> dict[str, object]:
    """Build with Lading; return the result that it prints."""
    words = ("-m", model, "-n", "lading-bench/lading", "--base-image", BASE, "--json", *options)
    result: dict[str, object] = json.loads(run("build-image", *words))
    return result


def without_engine(model: Path, place: object) -> tuple[object, ...]:
    """Return the command that brings an image to *place* that Lading writes itself."""
    base = f"docker-daemon:{BASE}"
    return ("build-image", "-m", model, "-n", LAYOUT_NAME, "-o", place, "--base-image", base)


def write_layout(model: Path) -> None:
    """Build with Lading into a folder."""
    run(*without_engine(model, LAYOUT))


def load(model: Path) -> None:
    """Build with Lading, and load what is new into Docker."""
    run(*without_engine(model, "docker"))


def forget_layers() -> None:
    """Leave wheels, locks and the base in the store, and take away everything that was made of the wheels."""
    store = Path(json.loads(run("lading", "cache", "list", "--json"))["path"])
    for kind in MADE_OF_WHEELS:
        shutil.rmtree(store / "entries" / kind, ignore_errors=True)


def change(model: Path) -> None:
    """Change the model by a few bytes that no earlier build has seen, as a new training run would."""
    (model / "changed.txt").write_text(f"{time.time_ns()}\n")


def size_mb(image: str) -> float:
    """Return an image's size in millions of bytes, base included."""
    return int(run("docker", "image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def one_round(table: Table, model: Path) -> None:
    """Measure both parties once, in every situation."""
    context = write_mlflow_context(model)
    table.add("cold, s", "MLflow", seconds(lambda: build_mlflow(context, "--no-cache")))
    table.add("cold, s", "Lading", seconds(lambda: build_lading(model, "--no-cache")))
    table.add("nothing changed, s", "MLflow", seconds(lambda: build_mlflow(context)))
    table.add("nothing changed, s", "Lading", seconds(lambda: build_lading(model)))
    change(model)
    context = write_mlflow_context(model)
    table.add("model changed, s", "MLflow", seconds(lambda: build_mlflow(context)))
    table.add("model changed, s", "Lading", seconds(lambda: build_lading(model)))
    table.add("image size, MB", "MLflow", size_mb("lading-bench/mlflow"))
    table.add("image size, MB", "Lading", size_mb("lading-bench/lading"))


def one_round_without_engine(table: Table, model: Path) -> None:
    """Measure Lading alone in the same situations; MLflow's figures are those of the round before."""
    for situation in ("cold", "nothing changed", "model changed"):
        table.repeat(f"no engine: {situation}, s", f"{situation}, s", "MLflow")
    forget_layers()
    shutil.rmtree(LAYOUT, ignore_errors=True)
    table.repeat("no engine: cold, wheels only, s", "cold, s", "MLflow")
    table.add("no engine: cold, wheels only, s", "Lading", seconds(lambda: write_layout(model)))
    shutil.rmtree(LAYOUT)
    table.add("no engine: cold, s", "Lading", seconds(lambda: write_layout(model)))
    table.add("no engine: nothing changed, s", "Lading", seconds(lambda: write_layout(model)))
    load(model)
    change(model)
    table.add("no engine: model changed, s", "Lading", seconds(lambda: write_layout(model)))
    change(model)
    table.repeat("no engine: model changed, loaded into Docker, s", "model changed, s", "MLflow")
    table.add("no engine: model changed, loaded into Docker, s", "Lading", seconds(lambda: load(model)))
    table.repeat("no engine: image size, MB", "image size, MB", "MLflow")
    table.add("no engine: image size, MB", "Lading", size_mb(LAYOUT_NAME))


def large_model(table: Table, model: Path) -> None:
    """Measure the memory that a model of three gigabytes takes; the layout is removed again."""
    folder = FOLDER / "large"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    with (folder / "weights.bin").open("wb") as file:
        for block in range(LARGE_BYTES // CHUNK_BYTES):
            file.write(block.to_bytes(8, "big") * (CHUNK_BYTES // 8))
    try:
        shutil.rmtree(LAYOUT, ignore_errors=True)
        peak = peak_mb(*without_engine(folder, LAYOUT))
        table.add("no engine: peak memory, model of 3 GB, MB", "Lading", peak)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(LAYOUT, ignore_errors=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="ci/bench build", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base-image", default="python:3.11-slim-bookworm")
    arguments = parser.parse_args()
    os.chdir(REPOSITORY)
    make_base(arguments.base_image)
    model = trained_model()
    build_lading(model)  # fills the store: "cold" means a cold engine and a warm store
    table = Table("Image builds of the documentation's iris model (MLflow: generated Dockerfile)")
    for _ in range(arguments.rounds):
        one_round(table, model)
        one_round_without_engine(table, model)
    large_model(table, model)
    print(table)


if __name__ == "__main__":
    main()
