"""scikit-learn models without MLflow; that they predict the same is in ``test_models.py``."""

import pickle
from pathlib import Path

import pytest
from lading_runtime.worker.loaders.sklearn import SklearnLoader
from lading_runtime.worker.model import ModelFolder, Unloadable


class Estimator:
    """Something that predicts, as scikit-learn's estimators do."""

    def predict(self, data):
        """Predict data's length."""
        return len(data)

    def predict_proba(self, data, params=None):
        """Predict with params, as a custom estimator may."""
        return [len(data), params]


def model(path: Path, name: str = "model.pkl", *, flavour=None, **conf) -> ModelFolder:
    """Return a model whose estimator is pickled in the file *name*."""
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(pickle.dumps(Estimator()))
    function = {"loader_module": "mlflow.sklearn", **conf}
    return ModelFolder(path, {"flavors": {"python_function": function, "sklearn": flavour or {}}})


@pytest.mark.parametrize(
    ("conf", "flavour", "name"),
    [
        ({"model_path": "model.pkl"}, {"pickled_model": "model.pkl"}, "model.pkl"),
        ({"data": "model.pkl"}, {"pickled_model": "model.pkl"}, "model.pkl"),
        ({"data": "data/model.pkl"}, {}, "data/model.pkl"),
        ({}, {"pickled_model": "old.pkl"}, "old.pkl"),
    ],
)
def test_the_file_is_found_wherever_mlflow_has_put_it(tmp_path, conf, flavour, name):
    """Models of all MLflow versions are found; without a format they are pickles."""
    loaded = SklearnLoader().load(model(tmp_path, name, flavour=flavour, **conf))

    assert loaded.loader == "sklearn"
    assert loaded.predict([1, 2], {"ignored": True}) == 2


def test_another_function_may_predict(tmp_path):
    """``predict_fn`` names one of scikit-learn's functions, which gets params if it takes them."""
    loaded = SklearnLoader().load(model(tmp_path, model_path="model.pkl", predict_fn="predict_proba"))

    assert loaded.predict([1], {"n": 1}) == [1, {"n": 1}]


@pytest.mark.parametrize("name", ["predict_log_proba", "fit"])
def test_a_function_that_does_not_predict_is_refused(tmp_path, name):
    """A predict function that the estimator has not, or that MLflow does not know, is told by name."""
    with pytest.raises(Unloadable, match=f"predict_fn is '{name}', which Estimator has not"):
        SklearnLoader().load(model(tmp_path, model_path="model.pkl", predict_fn=name))


def test_a_missing_file_is_told(tmp_path):
    """A model without its file is refused."""
    folder = model(tmp_path, model_path="elsewhere.pkl")

    with pytest.raises(Unloadable, match="not in its folder"):
        SklearnLoader().load(folder)


def test_an_unknown_format_is_told(tmp_path):
    """A format that no MLflow writes is refused by name."""
    folder = model(tmp_path, model_path="model.pkl", flavour={"serialization_format": "joblib"})

    with pytest.raises(Unloadable, match="'joblib'"):
        SklearnLoader().load(folder)


def test_reading_models_may_be_forbidden(tmp_path, monkeypatch):
    """MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false refuses to read any format."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")

    with pytest.raises(Unloadable, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false"):
        SklearnLoader().load(model(tmp_path, model_path="model.pkl"))
