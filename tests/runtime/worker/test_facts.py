"""What a model process tells about itself."""

import platform
from importlib import metadata
from pathlib import Path

from lading_runtime.worker.facts import facts_of
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
