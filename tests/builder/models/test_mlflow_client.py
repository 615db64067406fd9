"""The way out through an installed mlflow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import lading
import pytest
from lading.errors import TrackingServerError
from lading.model import ResolvedModel

pytestmark = pytest.mark.xdist_group("tracking")

SCRIPT = """
import json, os, sys
from pathlib import Path
from lading.errors import LadingError
from lading.models.mlflow_client import download_with_mlflow
from lading.models.tracking import TrackingSettings
from lading.progress import Silent

def outcome(uri):
    try:
        folder = download_with_mlflow(uri, Path(sys.argv[2]), settings, Silent())
        return sorted(path.name for path in folder.iterdir())
    except LadingError as error:
        return [type(error).__name__, str(error)]

settings = TrackingSettings.from_environment({"MLFLOW_TRACKING_URI": sys.argv[1]}, Path(sys.argv[2]))
print(json.dumps([*map(outcome, sys.argv[3:]), os.environ.get("MLFLOW_TRACKING_URI")]))
"""


def test_mlflow_downloads_what_only_it_can_read(mlflow_python, database, tmp_path):
    """In an environment with the real mlflow, its answers and errors become ours."""
    command = [mlflow_python, "-c", SCRIPT, database.uri, tmp_path, "models:/iris@champion", "models:/irs/1"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    variables["PYTHONPATH"] = str(Path(lading.__file__).parents[1])
    done = subprocess.run(
        [str(word) for word in command], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    found, (error, message), left = json.loads(done.stdout.splitlines()[-1])

    assert {"MLmodel", "requirements.txt", "python_env.yaml"} <= set(found)
    assert error == "ModelNotFound"
    assert message.startswith("mlflow finds no models:/irs/1: ")
    assert left is None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("runs:/abc/model", {"run_id": "abc"}),
        ("models:/iris/3", {"name": "iris", "version": 3}),
        ("models:/iris@champion", {"name": "iris"}),
        ("models:/m-1", {"model_id": "m-1"}),
        ("dbfs:/models/iris", {}),
    ],
)
def test_what_the_reference_tells_is_known(fetched, monkeypatch, text, known):
    """A model that mlflow fetched from a store that only it reads carries what its reference says."""

    def download_artifacts(artifact_uri, dst_path):
        (Path(dst_path) / "MLmodel").write_text(artifact_uri)
        return dst_path

    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(
        sys.modules, "mlflow.artifacts", SimpleNamespace(download_artifacts=download_artifacts)
    )

    model = fetched(text, "postgresql://h/mlflow")

    assert (model.folder / "MLmodel").read_text() == text
    assert model == ResolvedModel(model.ref, model.folder, **known)


def test_what_mlflow_raises_is_told_without_secrets(fetched, monkeypatch):
    """Any error of mlflow's, or of a plug-in of its, is one line."""

    def download_artifacts(artifact_uri, dst_path):
        raise RuntimeError("cannot reach postgresql://me:sesame@h/mlflow?key=sesame\nTraceback …")

    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(
        sys.modules, "mlflow.artifacts", SimpleNamespace(download_artifacts=download_artifacts)
    )

    with pytest.raises(TrackingServerError) as raised:
        fetched("models:/iris/3", "postgresql://me:sesame@h/mlflow?key=sesame")

    assert str(raised.value) == (
        "mlflow cannot read models:/iris/3 from postgresql://h/mlflow: cannot reach postgresql://h/mlflow"
    )
    assert fetched.left == []
