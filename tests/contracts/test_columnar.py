"""What parquet files become, beside what MLflow makes of them."""

import json
import subprocess
from pathlib import Path

import lading_runtime
import pytest

ORACLE = Path(__file__).with_name("columnar_oracle.py")
RUNTIME = Path(lading_runtime.__file__).parents[1]


REFUSALS = {
    "int64": "8: a number with a fraction is no integer",
    "boolean": "8: what is neither true nor false is no boolean",
    "binary": "14: what is neither bytes nor base64 is not binary",
}
"""What we refuse though MLflow changes it in silence, by the type that was declared."""


def decision_for(column, kind, _theirs, ours):
    """Return why an answer differs from MLflow's, as the list of deviations counts, or None."""
    if (column, kind) == ("lists of texts and null", "array of string"):
        return "also f: null stays null"
    if (column, kind) == ("zoned times", "datetime"):
        return "9: times with a zone become UTC"
    if (column, kind) == ("base64", "binary"):
        return "14: texts in a binary column are base64"
    return REFUSALS.get(kind.removeprefix("array of ")) if ours == "refused" else None


@pytest.fixture(scope="module")
def compared(mlflow_python):
    """How many pairs of columns and types MLflow and we were given, and where the answers differ."""
    command = [str(mlflow_python), str(ORACLE), str(RUNTIME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_parquet_is_enforced_as_mlflow_does(compared):
    """Every kind of column becomes every type of a signature as in MLflow, or as a decision says instead."""
    count, differences = compared

    assert count > 6000
    assert [difference for difference in differences if decision_for(*difference) is None] == []


def test_every_decision_shows(compared):
    """A decision that nothing shows any more would hide what it was not made for."""
    shown = {decision_for(*difference) for difference in compared[1]}

    numbers = sorted(str(decision).partition(":")[0] for decision in shown)
    assert numbers == ["14", "14", "8", "8", "9", "also f"]
