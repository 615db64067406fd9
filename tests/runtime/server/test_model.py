"""The served model describes itself in MLmodel."""

import pytest
from lading_runtime.server.model import ServedModel
from lading_runtime.server.settings import BadSetting

MLMODEL = """
run_id: abc
model_id: m-1
mlflow_version: 3.18.0
utc_time_created: 2026-01-31 12:00:00
flavors:
  sklearn: {}
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7}
"""


def test_facts(tmp_path):
    """What ``/version`` tells of a model is in its MLmodel, in types that JSON has."""
    (tmp_path / "MLmodel").write_text(MLMODEL)

    model = ServedModel.read(tmp_path)

    assert model.mlflow_version == "3.18.0"
    assert model.facts() == {
        "run_id": "abc",
        "model_id": "m-1",
        "model_uuid": None,
        "created": "2026-01-31 12:00:00",
        "flavors": ["python_function", "sklearn"],
        "loader_module": "mlflow.sklearn",
        "python": "3.11.7",
        "signature": None,
    }


@pytest.mark.parametrize("text", [None, "a: [", "just text", "flavors: 3", "run_id: abc"])
def test_a_folder_without_a_readable_model_is_a_bad_setting(tmp_path, text):
    """No MLmodel, or one that is none, is said to be LADING_MODEL's fault."""
    if text is not None:
        (tmp_path / "MLmodel").write_text(text)

    with pytest.raises(BadSetting, match=r"^LADING_MODEL: .*MLmodel"):
        ServedModel.read(tmp_path)


@pytest.mark.parametrize(
    ("more", "task"),
    [
        ("metadata: {task: agent/v1/responses}", "agent/v1/responses"),
        ("metadata: {task: agent/v9/new}", "agent/v9/new"),
        ("metadata: {task: llm/v1/chat}", None),
        ("metadata: {task: 1}", None),
        ("metadata: null", None),
        ("", None),
    ],
)
def test_an_agent_is_one_by_its_task(tmp_path, more, task):
    """What the metadata call an agent is one."""
    (tmp_path / "MLmodel").write_text(MLMODEL + more)

    assert ServedModel.read(tmp_path).agent == task


@pytest.mark.parametrize(
    ("loader", "task"),
    [
        ("responses_agent", "agent/v1/responses"),
        ("chat_agent", "agent/v2/chat"),
        ("chat_model", "agent/v1/chat"),
    ],
)
def test_an_agent_is_one_by_its_loader(tmp_path, loader, task):
    """An older model says by its loader what kind of agent it is."""
    flavours = f"flavors: {{python_function: {{loader_module: mlflow.pyfunc.loaders.{loader}}}}}"
    (tmp_path / "MLmodel").write_text(flavours)

    assert ServedModel.read(tmp_path).agent == task
