"""What the native loaders ask of a model folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.worker.loaders.flavour import class_named, data_of, flavour_of, part_of, release_of
from lading_runtime.worker.model import ModelFolder, Unloadable

LIBRARIES = {
    "catboost",
    "keras",
    "lightgbm",
    "mlflow",
    "numpy",
    "onnxruntime",
    "paddle",
    "pandas",
    "pmdarima",
    "prophet",
    "sentence_transformers",
    "sklearn",
    "spacy",
    "statsmodels",
    "tensorflow",
    "torch",
    "xgboost",
}


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    """A model folder with a file in a folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.bin").write_bytes(b"")
    flavours = {"python_function": {"loader_module": "mlflow.x", "data": "data"}, "x": {"file": "model.bin"}}
    return ModelFolder(tmp_path, {"flavors": flavours})


def test_importing_every_loader_imports_no_library():
    """The libraries of the flavours are imported when a model is loaded, not before."""
    words = "import sys, lading_runtime.worker.loaders.choice; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert LIBRARIES.isdisjoint(done.stdout.split())


def test_a_flavour_says_how_it_was_saved(model: ModelFolder):
    """What ``MLmodel`` says about a flavour is found; a flavour that it does not have is named."""
    assert flavour_of(model, "x") == {"file": "model.bin"}
    with pytest.raises(Unloadable, match=r"'mlflow\.x', but it has no flavour 'y'"):
        flavour_of(model, "y")


def test_the_data_is_what_mlflow_gives_to_a_loader(model: ModelFolder):
    """It is what python_function names, or else the whole folder."""
    assert data_of(model) == model.path / "data"
    bare = {"flavors": {"python_function": {"loader_module": "mlflow.x"}}}
    assert data_of(ModelFolder(model.path, bare)) == model.path


@pytest.mark.parametrize("name", [None, "", "data/absent"])
def test_a_part_that_is_not_there_is_named(model: ModelFolder, name: str | None):
    """Nothing is loaded from a path that is missing or that nobody names."""
    assert part_of(model, "data/model.bin").is_file()
    with pytest.raises(Unloadable, match="the model's data is not in its folder"):
        part_of(model, name)


def test_a_class_is_found_by_its_full_name():
    """The module is imported for it."""
    assert class_named("pathlib.Path") is Path


@given(st.lists(st.integers(0, 10_000), min_size=1), st.sampled_from(["", ".dev1", "rc2", "+cpu", ".post0"]))
def test_a_release_is_the_numbers_of_a_version(numbers: list[int], rest: str):
    """What follows them, as in development versions and local builds, does not count."""
    assert release_of(".".join(map(str, numbers)) + rest) == tuple(numbers)


def test_a_version_without_numbers_is_before_all_others():
    """A library that was built from source and calls itself "unknown" is treated as an old one."""
    assert release_of("unknown") < release_of("0.0.1")
