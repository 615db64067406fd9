"""Models through the loader module that they name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lading_runtime.worker.loaders.python_function import PythonFunctionLoader, model_config
from lading_runtime.worker.model import ModelFolder, Unloadable
from lading_runtime.worker.refusal import Refusal

LOADER = """
class Model:
    def __init__(self, *arguments):
        self.arguments = list(arguments)

    def predict(self, data, params=None):
        return [data, params, self.arguments]

    def score(self, data):
        return ["score", data]

    def predict_stream(self, data):
        yield data

def _load_pyfunc(path, model_config="none given"):
    return Model(path, model_config)
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Give a function that loads a model whose python_function flavour has these further keys."""
    (tmp_path / "a_loader_of_its_own.py").write_text(LOADER)
    monkeypatch.syspath_prepend(tmp_path)

    def load_model(**conf):
        flavour = {"loader_module": "a_loader_of_its_own", **conf}
        return PythonFunctionLoader().load(ModelFolder(tmp_path, {"flavors": {"python_function": flavour}}))

    return load_model


def test_a_loader_is_given_the_models_folder(load, tmp_path):
    """Without data of its own, the loader gets the folder, and no config."""
    assert load().predict("x", None) == ["x", None, [str(tmp_path), "none given"]]


def test_a_loader_is_given_the_models_data(load, tmp_path):
    """With data, the loader gets their path."""
    _, _, arguments = load(data="data/weights").predict("x", None)

    assert arguments[0] == str(Path(tmp_path, "data", "weights"))


def test_a_loader_is_given_the_models_config(load):
    """A model with a config has it as the loader's second argument."""
    _, _, arguments = load(config={"a": 1}).predict("x", None)

    assert arguments[1] == {"a": 1}


def test_params_reach_the_model(load):
    """Params go to a predict function that takes them."""
    assert load().predict("x", {"n": 1})[:2] == ["x", {"n": 1}]


def test_another_function_may_predict(load):
    """``predict_fn`` names what is called."""
    assert load(predict_fn="score").predict("x", {"n": 1}) == ["score", "x"]


def test_a_function_that_is_not_there_is_named(load):
    """A predict function that the loaded object has not is told by name."""
    with pytest.raises(Unloadable, match="gave a Model, which has no method 'rate'"):
        load(predict_fn="rate")


def test_only_streamable_models_stream(load):
    """A model streams if MLmodel says so, whatever methods it has."""
    assert load().predict_stream is None
    assert list(load(streamable=True).predict_stream("x", None)) == ["x"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.array(["a"]), "a"),
        (["a"], "a"),
        ("a", "a"),
        ({"x": np.array([1, 2])}, {"x": [1, 2]}),
        (pd.DataFrame({"m": [[{"role": "user"}]], "n": [1]}), {"m": [{"role": "user"}], "n": 1}),
        (pd.DataFrame(["a"]), "a"),
    ],
    ids=["array", "list", "text", "dict", "frame", "frame without names"],
)
def test_a_model_that_streams_is_given_one_input(load, data, expected):
    """A single row becomes what it holds, in Python's own objects, as in MLflow."""
    assert list(load(streamable=True).predict_stream(data, None)) == [expected]


def test_several_inputs_are_not_streamed(load):
    """A stream of answers to more than one input is refused, as the client's mistake."""
    with pytest.raises(Refusal, match="a single input, and there are 2") as refused:
        load(streamable=True).predict_stream(["a", "b"], None)

    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_streamed_answer_may_have_another_function(load):
    """``predict_stream_fn`` names what streams."""
    with pytest.raises(Unloadable, match="no method 'flow'"):
        load(streamable=True, predict_stream_fn="flow")


def test_the_environment_overrides_keys_that_the_config_has(monkeypatch):
    """SERVING_MODEL_CONFIG counts more than MLFLOW_PYFUNC_INFERENCE_CONFIG; unknown keys are left out."""
    monkeypatch.setenv("MLFLOW_PYFUNC_INFERENCE_CONFIG", json.dumps({"a": 2, "b": 2}))
    monkeypatch.setenv("SERVING_MODEL_CONFIG", json.dumps({"b": 3, "z": 3}))

    assert model_config({"a": 1, "b": 1, "c": 1}) == {"a": 2, "b": 3, "c": 1}


def test_a_model_without_a_config_gets_none(monkeypatch):
    """What the environment says about a model without a config is left out."""
    monkeypatch.setenv("SERVING_MODEL_CONFIG", json.dumps({"a": 1}))

    assert model_config(None) is None
