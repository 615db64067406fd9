"""MLflow's own answers, recorded: the real server gives them, or what the list of deviations says instead."""

import gzip
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

RECORDINGS = ("observed.jsonl.gz", "observed-nulls.jsonl.gz")
MODELS = [
    "iris",
    "out",
    "echo_nosig",
    "echo_all",
    "echo_col_boolean",
    "echo_col_integer",
    "echo_col_long",
    "echo_col_float",
    "echo_col_double",
    "echo_col_string",
    "echo_col_binary",
    "echo_col_datetime",
    "echo_params",
    "echo_tensor",
    "echo_tensor_named",
    "echo_complex",
    "echo_unnamed_cols",
    "echo_unnamed_str",
    "chat_model",
    "chat_agent",
    "responses_agent",
    "stream_plain",
    "th_str",
    "th_pyd",
    "slow",
]
"""All that are recorded."""


def cases_of(model: str, folder: Path) -> list[str]:
    """The recorded cases of a model, a line each."""
    lines: list[str] = []
    for name in RECORDINGS:
        with gzip.open(folder / name, "rt", encoding="utf-8") as recording:
            lines += [line for line in recording if json.loads(line)["model"] == model]
    return lines


def server_command(mlflow_python: Path) -> str:
    """How to start the runtime for a model, on a port."""
    settings = {
        "LADING_MODEL": "{model}",
        "LADING_MODEL_PYTHON": shlex.quote(str(mlflow_python)),
        "LADING_HOST": "127.0.0.1",
        "PORT": "{port}",
        "MLFLOW_MODELS_WORKERS": "1",
    }
    assigned = " ".join(f"{name}={value}" for name, value in settings.items())
    return f"env {assigned} {shlex.quote(sys.executable)} -m lading_runtime"


@pytest.mark.parametrize("model", MODELS)
def test_the_server_answers_as_mlflow_does(model, conformance, mlflow_python, tmp_path):
    """Every recorded request gets MLflow's answer, or the one that a listed deviation demands."""
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(cases_of(model, conformance.folder)))
    replay = subprocess.run(
        [
            *(sys.executable, conformance.folder / "replay.py", "--strict"),
            *("--cases", cases, "--models", conformance.models),
            *("--spawn", server_command(mlflow_python)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert replay.returncode == 0, replay.stdout + replay.stderr
