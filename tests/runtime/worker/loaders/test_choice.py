"""Which loader loads a model, and what happens around it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from lading_runtime.worker.loaders.choice import MLFLOW_ENVIRONMENT, load
from lading_runtime.worker.model import ModelFolder, Unloadable


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch):
    """Undo what loading a model does to the process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in MLFLOW_ENVIRONMENT:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def folder(path: Path, flavours: Mapping[str, object], **modules: str) -> ModelFolder:
    """Return a model of these flavours with its own modules."""
    (path / "code").mkdir()
    for name, source in modules.items():
        (path / "code" / f"{name}.py").write_text(source)
    return ModelFolder(path, {"flavors": dict(flavours)})


PREDICT = """
class Model:
    def predict(self, data):
        return data

def _load_pyfunc(path):
    return Model()
"""


def test_a_models_code_comes_first(tmp_path):
    """The code folder is first on the path while the model is loaded, and stays there."""
    flavour = {"loader_module": "choice_own_loader", "code": "code"}
    loaded = load(folder(tmp_path, {"python_function": flavour}, choice_own_loader=PREDICT))

    assert loaded.loader == "python_function"
    assert sys.path[0] == str(tmp_path / "code")


def test_a_loader_of_its_own_is_preferred_to_a_flavour(tmp_path):
    """A model with a scikit-learn flavour that names another loader is loaded by that."""
    flavours = {"python_function": {"loader_module": "choice_other", "code": "code"}, "sklearn": {}}

    assert load(folder(tmp_path, flavours, choice_other=PREDICT)).loader == "python_function"


def test_mlflow_is_told_that_it_serves_and_not_to_report_home(tmp_path):
    """Before a model is loaded, MLflow's switches are set unless somebody has set them."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "false"
    flavour = {"loader_module": "choice_switches", "code": "code"}
    load(folder(tmp_path, {"python_function": flavour}, choice_switches=PREDICT))

    assert os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] == "true"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


@pytest.mark.parametrize("value", ["false", "False", "0"])
def test_model_code_may_be_forbidden(monkeypatch, tmp_path, value):
    """MLFLOW_ALLOW_MODEL_CODE_EXECUTION=false refuses every model, before its code runs."""
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", value)
    flavour = {"loader_module": "choice_forbidden", "code": "code"}

    with pytest.raises(Unloadable, match="MLFLOW_ALLOW_MODEL_CODE_EXECUTION is false"):
        load(folder(tmp_path, {"python_function": flavour}, choice_forbidden="raise SystemExit"))


def test_a_missing_module_is_named_with_what_to_do(tmp_path):
    """A module that the environment lacks is told, and how to get it there."""
    flavour = {"loader_module": "choice_needs", "code": "code"}
    model = folder(tmp_path, {"python_function": flavour}, choice_needs="import absent_library.part\n")

    with pytest.raises(Unloadable, match=r"'absent_library'.*add the package .* pip requirements") as caught:
        load(model)

    assert "--mlflow" not in str(caught.value)


def test_missing_mlflow_has_a_remedy_of_its_own(tmp_path):
    """A model that needs MLflow, where it is not installed, is told how images get it."""
    model = folder(tmp_path, {"python_function": {"loader_module": "mlflow.pyfunc.model"}})

    with pytest.raises(Unloadable, match=r"'mlflow'.*--mlflow skinny"):
        load(model)


@pytest.mark.parametrize(("library", "package"), [("libgomp.so.1", "'libgomp1'"), ("libxyz.so.7", "image")])
def test_a_missing_system_library_is_named_with_what_to_do(tmp_path, library, package):
    """A library of the system that a package needs is told, with Debian's package where that is known."""
    message = f"{library}: cannot open shared object file: No such file or directory"
    flavour = {"loader_module": "choice_library", "code": "code"}
    model = folder(tmp_path, {"python_function": flavour}, choice_library=f"raise OSError({message!r})\n")

    with pytest.raises(Unloadable, match=rf"'{library}'.*{package}.*--base-image"):
        load(model)


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    """An OSError that tells of no library is the model's own."""
    flavour = {"loader_module": "choice_system", "code": "code"}
    model = folder(tmp_path, {"python_function": flavour}, choice_system="raise OSError('disk on fire')\n")

    with pytest.raises(OSError, match="disk on fire"):
        load(model)


@pytest.mark.parametrize("flavours", [{}, {"sklearn": {}}, {"python_function": {}}])
def test_a_model_without_python_function_cannot_predict(tmp_path, flavours):
    """A model that nothing says how to load in Python is refused."""
    with pytest.raises(Unloadable, match="no python_function flavour"):
        load(ModelFolder(tmp_path, {"flavors": flavours}))


def test_a_flavour_without_a_loader_is_refused(tmp_path):
    """A python_function flavour must name its loader."""
    with pytest.raises(Unloadable, match="names no loader_module"):
        load(ModelFolder(tmp_path, {"flavors": {"python_function": {"data": "x"}}}))
