"""What a model process tells about itself."""

import platform
from importlib import metadata
from pathlib import Path

import pytest
from lading_runtime.worker.facts import DISTRIBUTIONS, facts_of
from lading_runtime.worker.loaders.choice import NATIVE
from lading_runtime.worker.model import LoadedModel, ModelFolder


def test_facts_name_what_a_prediction_depends_on():
    """Facts are the loader, the flavours, Python and the installed ones of the packages that matter."""
    model = ModelFolder(Path(), {"flavors": {"sklearn": {}, "python_function": {}}})
    loaded = LoadedModel("sklearn", lambda data, params: data)
    facts = facts_of(model, loaded, is_shared=True, load_s=1.23456)

    versions = facts.pop("versions")
    assert versions["pandas"] == metadata.version("pandas")
    assert "catboost" not in versions
    assert facts == {
        "loader": "sklearn",
        "python": platform.python_version(),
        "flavors": ["python_function", "sklearn"],
        "is_streamable": False,
        "is_shared": True,
        "load_s": 1.235,
    }


@pytest.mark.parametrize("loader_module", NATIVE)
def test_the_library_of_every_flavour_matters(loader_module):
    """The version of what a natively loaded model predicts with is always told."""
    flavour = loader_module.partition(".")[2]
    others = {"onnx": "onnxruntime", "paddle": "paddlepaddle", "pytorch": "torch", "sklearn": "scikit-learn"}

    assert others.get(flavour, flavour.replace("_", "-")) in DISTRIBUTIONS
