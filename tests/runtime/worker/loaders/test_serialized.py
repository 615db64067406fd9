"""Python objects in files, and the switch that forbids to read them."""

import pickle
from pathlib import Path

import pytest
from lading_runtime.worker.loaders.choice import NATIVE
from lading_runtime.worker.loaders.serialized import read_serialized
from lading_runtime.worker.model import ModelFolder, Unloadable

PICKLED = ["lightgbm", "paddle", "pmdarima", "sklearn", "statsmodels"]
"""Flavours of which every model, or this one, is a pickle."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A pickled object."""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"weights": [1, 2]}))
    return file


def test_a_pickle_is_read(file: Path):
    """What was pickled comes back."""
    assert read_serialized(file, "pickle") == {"weights": [1, 2]}


def test_an_unknown_format_is_named(file: Path):
    """A format that no MLflow writes is refused by its name."""
    with pytest.raises(Unloadable, match="serialization_format is 'joblib'"):
        read_serialized(file, "joblib")


@pytest.mark.parametrize("flavour", PICKLED)
def test_the_switch_forbids_pickles_of_every_flavour(
    flavour: str, file: Path, monkeypatch: pytest.MonkeyPatch
):
    """With MLflow's switch set to false no pickled model is loaded, nor its library imported."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    python_function = {"loader_module": f"mlflow.{flavour}", "data": file.name}
    said = {"data": file.name, "model_class": "lightgbm.LGBMRegressor", "pickled_model": file.name}
    mlmodel = {"flavors": {"python_function": python_function, flavour: said}}

    with pytest.raises(Unloadable, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false"):
        NATIVE[f"mlflow.{flavour}"].load(ModelFolder(file.parent, mlmodel))


def test_only_mlflow_tells_whether_an_exported_program_holds_pickles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With the switch set to false a program of ``torch.export`` is left to MLflow, if it is there."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.pt2").write_bytes(b"")
    python_function = {"loader_module": "mlflow.pytorch", "data": "data"}

    with pytest.raises(ModuleNotFoundError, match="mlflow"):
        NATIVE["mlflow.pytorch"].load(
            ModelFolder(tmp_path, {"flavors": {"python_function": python_function}})
        )
