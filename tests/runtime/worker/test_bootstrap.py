"""The model's side in every interpreter that a model may have been made with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lading_runtime
import pytest

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
WORKER = Path(lading_runtime.__file__).parent / "worker"


def interpreter(version: str) -> Path:
    """Return an installed Python of *version*, from the path or from pyenv; skip the test without one."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for python in [*([on_path] if on_path else []), *map(str, root.glob(f"versions/{version}.*/bin/python"))]:
        done = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
        if done.stdout.startswith(f"Python {version}."):
            return Path(python)
    pytest.skip(f"no Python {version} is installed here")


MODEL = """
import sys

class Model:
    def predict(self, data, params=None):
        if data == "fail":
            raise ValueError("no")
        if data == "server":
            return [name for name in ("fastapi", "orjson", "yaml", "numpy") if name in sys.modules]
        if data == "path":
            return sys.path
        return [list(sys.version_info[:2]), data, float("nan"), b"x"]

def _load_pyfunc(path):
    return Model()
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_host_runs_in_every_python(start_host, make_model, version):
    """From 3.8 on, host and model process run on the standard library alone."""
    process = start_host(make_model(MODEL), interpreter(version)).model_process()

    assert process.first["kind"] == "ready", process.first
    assert process.predict("x") == [[int(number) for number in version.split(".")], "x", None, "eA==\n"]
    assert process.error("fail")["stack_trace"].endswith("ValueError: no\n")
    assert process.predict("server") == []


def test_our_folders_are_not_on_the_path(start_host, make_model):
    """Neither our package's folder nor, if Python does not put it there, the one around it is importable."""
    process = start_host(make_model(MODEL)).model_process()
    path = process.predict("path")
    plain = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps(sys.path[1:]))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert str(WORKER) not in path
    assert path[1:] == __import__("json").loads(plain.stdout)


def test_everything_of_ours_is_imported_before_the_model(start_host, make_model):
    """When a model's code runs, all modules of the worker are there: its own names cannot come between."""
    model = """
import sys

LOADED = sorted(name for name in sys.modules if name.startswith("lading_runtime."))

class Model:
    def predict(self, data):
        return LOADED

def _load_pyfunc(path):
    return Model()
"""
    files = [file.relative_to(WORKER.parent).with_suffix("") for file in WORKER.rglob("*.py")]
    expected = {".".join((lading_runtime.__name__, *file.parts)) for file in files if file.name != "__init__"}
    loaded = start_host(make_model(model)).model_process().predict(None)

    assert expected - set(loaded) == {f"{lading_runtime.__name__}.worker.bootstrap"}
