"""Tracking databases that are damaged, old or busy."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from lading.errors import ModelNotFound, TrackingServerError
from lading.models.database import DatabaseStore, database_path

pytestmark = pytest.mark.xdist_group("tracking")


@pytest.fixture
def copy(written, tmp_path):
    """A database of MLflow 3 that a test may spoil."""
    return Path(shutil.copy(written / "mlflow.db", tmp_path / "my 50% #1.db"))


def execute(path, *statements):
    """Change a database."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_database_that_is_not_there_says_where_it_was_looked_for(fetched):
    """Nothing is created by looking, and the error says how to name another store."""
    with pytest.raises(
        TrackingServerError, match=r"no tracking database .*/none\.db; set MLFLOW_TRACKING_URI"
    ):
        fetched("models:/iris/1", "sqlite:///none.db")

    assert not (fetched.into.parent / "none.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database, but long enough to look like one" * 100])
def test_a_file_that_is_no_database_is_named(tmp_path, fetched, content):
    """Other files are told from databases."""
    (tmp_path / "x.db").write_bytes(content)

    with pytest.raises(TrackingServerError, match=r"x\.db"):
        fetched("models:/iris/1", f"sqlite:///{tmp_path}/x.db")


def test_a_database_of_a_version_to_come_is_read(copy, database, fetched):
    """A schema version that nobody knows yet, and tables and columns more or less, change nothing."""
    execute(
        copy,
        "UPDATE alembic_version SET version_num = 'ffffffffffff'",
        "ALTER TABLE model_versions ADD COLUMN new TEXT",
        "ALTER TABLE model_versions DROP COLUMN storage_location",
        "DROP TABLE registered_model_aliases",
    )

    model = fetched("models:/iris/1", f"sqlite:///{copy}")

    assert model.model_id == database.models[0]
    with pytest.raises(ModelNotFound, match="it has no aliases"):
        fetched("models:/iris@champion", f"sqlite:///{copy}")


def test_deleted_versions_and_models_are_gone(copy, database, fetched):
    """What MLflow marks as deleted is not found."""
    execute(
        copy,
        "UPDATE model_versions SET current_stage = 'Deleted_Internal' WHERE version = 2",
        "UPDATE logged_models SET lifecycle_stage = 'deleted'",
    )

    with pytest.raises(ModelNotFound, match="it has version 1"):
        fetched("models:/iris/2", f"sqlite:///{copy}")
    with pytest.raises(ModelNotFound, match="no logged model"):
        fetched(f"models:/{database.models[0]}", f"sqlite:///{copy}")


def test_models_of_other_workspaces_are_not_seen(copy, fetched):
    """``MLFLOW_WORKSPACE`` chooses whose registered models are read."""
    execute(
        copy,
        "UPDATE registered_models SET workspace = 'team'",
        "UPDATE model_versions SET workspace = 'team'",
        "UPDATE registered_model_aliases SET workspace = 'team'",
    )

    with pytest.raises(ModelNotFound, match="no registered model 'iris'"):
        fetched("models:/iris/1", f"sqlite:///{copy}")
    assert fetched("models:/iris@champion", f"sqlite:///{copy}", MLFLOW_WORKSPACE="team").version == 1


def test_a_version_registered_from_itself_ends(copy, fetched):
    """Versions that lead to each other in a circle are an error."""
    execute(copy, "UPDATE model_versions SET storage_location = 'models:/iris/1'")

    with pytest.raises(TrackingServerError, match="registered from itself"):
        fetched("models:/iris/1", f"sqlite:///{copy}")


def test_relative_artifacts_count_from_the_working_folder_or_the_database(copy, database, tmp_path, fetched):
    """``./mlruns/…``, as older servers recorded it, is found beside the database as well."""
    (tmp_path / "mlruns" / "x").mkdir(parents=True)
    (tmp_path / "mlruns" / "x" / "MLmodel").touch()
    execute(copy, "UPDATE logged_models SET artifact_location = './mlruns/x'")

    model = fetched(f"models:/{database.models[0]}", f"sqlite:///{copy}")

    assert model.folder.resolve() == tmp_path / "mlruns" / "x"


def test_a_database_is_only_read(copy):
    """A file that may not be written is enough."""
    copy.chmod(0o400)
    before = copy.read_bytes()

    DatabaseStore(copy, "default").registered_model("iris")

    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", "/work/mlflow.db"),
        ("sqlite:////data/mlflow.db", "/data/mlflow.db"),
        ("sqlite+pysqlite:///a/b.db?timeout=3", "/work/a/b.db"),
        ("sqlite:////data/my%20models.db", "/data/my models.db"),
    ],
)
def test_the_file_of_a_database_is_found_as_sqlalchemy_finds_it(uri, path):
    """Three slashes are relative to the working folder, four are absolute."""
    assert database_path(uri, Path("/work")) == Path(path)
