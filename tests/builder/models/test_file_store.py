"""File stores that were moved, or are damaged."""

import shutil

import pytest
from lading.errors import ModelNotFound, TrackingServerError

pytestmark = pytest.mark.xdist_group("tracking")


def test_a_store_that_was_moved_still_has_its_models(written, file_store, tmp_path, fetched):
    """Artifacts beside their records are used where the recorded places are gone."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(written / "mlruns", moved)
    for meta in moved.rglob("meta.yaml"):
        meta.write_text(meta.read_text().replace(str(written), "/gone"))

    by_run = fetched(f"runs:/{file_store.runs[0]}/model", str(moved))
    by_id = fetched(f"models:/{file_store.models[0]}", f"file://{moved}")
    by_version = fetched("models:/iris/1", str(moved))

    assert by_id.folder.is_relative_to(moved)
    assert by_version.model_id == by_run.model_id == file_store.models[0]


def test_a_project_without_variables_uses_its_own_store(written, file_store, fetched, tmp_path):
    """An older project's ``./mlruns`` is asked without being named."""
    shutil.copytree(written / "mlruns", tmp_path / "mlruns")

    assert fetched("models:/iris@champion", "").version == 1


@pytest.mark.parametrize("text", ["models:/../1", "models:/*/1", "runs:/../x", "models:/m-*"])
def test_names_are_never_patterns_or_paths(file_store, fetched, text):
    """Ids and names reach nothing but their own folder."""
    with pytest.raises(ModelNotFound):
        fetched(text, file_store.uri)


def test_a_store_that_is_not_there_is_named(fetched, tmp_path):
    """A folder that does not exist is told from an empty one."""
    with pytest.raises(TrackingServerError, match=r"no file store .*/none; set MLFLOW_TRACKING_URI"):
        fetched("runs:/abc/model", str(tmp_path / "none"))


@pytest.mark.parametrize("content", ["a: [", "text", ""])
def test_a_broken_record_is_named(written, file_store, tmp_path, fetched, content):
    """A ``meta.yaml`` that cannot be read is an error with its path."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(written / "mlruns", moved)
    (moved / "models" / "iris" / "version-1" / "meta.yaml").write_text(content)

    with pytest.raises(TrackingServerError, match=r"version-1/meta\.yaml"):
        fetched("models:/iris/1", str(moved))
