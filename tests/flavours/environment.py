"""Environments with the libraries of a family of flavours, with MLflow and without, and what they answer.

    python -m tests.flavours.environment FLAVOUR FAMILY

Prints where the flavour's models are, and the interpreter that has MLflow and what they need.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uv

from tests.conftest import CACHE, REPOSITORY, made_once

FOLDER = Path(__file__).resolve().parent
MLFLOW_REQUIREMENTS = REPOSITORY / "tests" / "mlflow-requirements.txt"

QUIET = {
    # The models are tiny, and other tests want the other processors.
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True)
class Answers:
    """What the models of a flavour predict."""

    folder: Path
    """A folder for each variant, with its ``model``."""

    native: dict[str, dict[str, Any]]
    """By variant: the loader and its answers."""

    def mlflow(self, variant: str, loader: str) -> dict[str, Any]:
        """Return what `native` must hold for *variant*, loaded by *loader*."""
        answers = json.loads((self.folder / variant / "answers.json").read_text())
        assert "raised" not in answers[0], f"MLflow itself predicts nothing with {variant}"
        return {"loader": loader, "answers": answers}


@cache
def answers_of(flavour: str, family: str) -> Answers:
    """Return what MLflow and our loader answer, in the environments of *family*."""
    models = models_of(flavour, family)
    printed = python(interpreter(family, has_mlflow=False), "tests.flavours.native", models)
    return Answers(models, json.loads(printed.splitlines()[-1]))


def models_of(flavour: str, family: str) -> Path:
    """Return a folder with every variant of *flavour*, saved and asked once per checkout."""
    shared = ("activations.py", "describe.py", "networks.py", "oracle.py", "packing.py", "variant.py")
    sources = [FOLDER / name for name in (*shared, f"models/{flavour}.py")]
    name = f"flavour-{flavour}-{digest(*sources, *requirements(family, has_mlflow=True))}"
    with made_once(CACHE / name) as (folder, is_missing):
        if is_missing:
            python(interpreter(family, has_mlflow=True), "tests.flavours.oracle", flavour, folder)
    return folder


def interpreter(family: str, *, has_mlflow: bool) -> Path:
    """Return the Python of an environment that is made once per checkout."""
    files = requirements(family, has_mlflow=has_mlflow)
    kind = "mlflow" if has_mlflow else "native"
    name = f"flavours-{family}-{kind}-{digest(*files, FOLDER / 'overrides.txt')}"
    with made_once(CACHE / name) as (folder, is_missing):
        if is_missing:
            run(uv.find_uv_bin(), "venv", "--python", sys.executable, folder)
            options = ["--compile-bytecode", "--override", FOLDER / "overrides.txt"]
            wanted = [word for file in files for word in ("--requirement", file)]
            run(uv.find_uv_bin(), "pip", "install", "--python", folder / "bin" / "python", *options, *wanted)
    return folder / "bin" / "python"


def requirements(family: str, *, has_mlflow: bool) -> list[Path]:
    """Return the files that say what is installed."""
    saving = [MLFLOW_REQUIREMENTS, FOLDER / f"{family}-saving.txt"] if has_mlflow else []
    return [FOLDER / f"{family}.txt", *(file for file in saving if file.exists())]


def digest(*files: Path) -> str:
    """Return a short name for the contents of *files*."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def python(executable: Path, module: str, *arguments: object) -> str:
    """Run a module of the tests with another Python; return what it printed."""
    return run(executable, "-m", module, *arguments, PYTHONPATH=f"{REPOSITORY}:{REPOSITORY / 'runtime'}")


def run(*command: object, **variables: str) -> str:
    """Run a command in the repository; return what it printed. A failure shows all of that."""
    environment = {**os.environ, **QUIET, **variables}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{words[:4]} failed:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}", pytrace=False)
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(f"{models_of(*sys.argv[1:])}\n{interpreter(sys.argv[2], has_mlflow=True)}\n")
