"""Fetching, end to end: every form of reference against every kind of store that the real MLflow writes."""

import pytest
from lading.errors import InvalidModel, ModelNotFound, TrackingServerError
from lading.model import ResolvedModel
from lading.reference import parse_model_ref

pytestmark = pytest.mark.xdist_group("tracking")


def test_a_run_and_the_name_of_its_model_find_the_model(store, fetched):
    """``runs:/<id>/<name>`` gives the model that the run logged, in every store."""
    model = fetched(f"runs:/{store.runs[0]}/model", store.uri)

    assert (model.folder / "MLmodel").is_file()
    assert model.run_id == store.runs[0]
    assert model.model_id == (store.models[0] if store.models else None)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("models:/iris/1", 1),
        ("models:/iris/2", 2),
        ("models:/iris/latest", 2),
        ("models:/iris/LATEST", 2),
        ("models:/iris@latest", 2),
        ("models:/iris@champion", 1),
        ("models:/iris@challenger", 2),
        ("models:/iris/staging", 1),
    ],
)
def test_a_registered_version_is_found_by_number_stage_and_alias(store, fetched, text, version):
    """Every form of ``models:/<name>`` leads to the version that MLflow means by it."""
    model = fetched(text, store.uri)

    assert (model.folder / "MLmodel").is_file()
    assert (model.name, model.version) == ("iris", version)
    assert model.run_id == store.runs[version - 1]
    assert model.model_id == (store.models[version - 1] if store.models else None)


def test_a_version_copied_from_another_is_the_same_model(store, fetched):
    """A version whose source is another version is followed to the files."""
    model = fetched("models:/copy/1", store.uri)

    assert (model.folder / "MLmodel").is_file()
    assert (model.name, model.version) == ("copy", 1)


def test_a_path_among_the_artifacts_of_a_run_is_a_model_too(store, fetched):
    """Artifacts are found below their run, at any depth and whatever characters their names have."""
    model = fetched(f"runs:/{store.runs[0]}/old/nested model", store.uri)

    assert (model.folder / "data" / "weights ü 50%.bin").read_bytes() == bytes(range(256)) * 9000
    assert (model.folder / "data" / "empty").read_bytes() == b""


def test_a_name_without_a_version_hints_at_one(store, fetched):
    """``models:/<name>`` is a logged model to MLflow; who leaves out the version is told how to write it."""
    with pytest.raises(ModelNotFound, match=r"no logged model 'iris'.*; .*models:/iris/latest"):
        fetched("models:/iris", store.uri)


def test_an_unknown_run_is_named(store, fetched):
    """A run that does not exist is said to not exist, with its id."""
    with pytest.raises(ModelNotFound, match="no run '0123456789abcdef0123456789abcdef'"):
        fetched("runs:/0123456789abcdef0123456789abcdef/model", store.uri)


def test_an_unknown_path_of_a_run_lists_its_models(store, fetched):
    """Where a run has no such model, the error says which it has."""
    with pytest.raises(
        ModelNotFound, match=r"has no model at 'modle'; it has models 'model', 'old/nested model'"
    ):
        fetched(f"runs:/{store.runs[0]}/modle", store.uri)


def test_artifacts_that_are_no_model_are_refused(store, fetched):
    """A folder without MLmodel is told from one that does not exist, and nothing is downloaded."""
    with pytest.raises(InvalidModel, match="no MLmodel"):
        fetched(f"runs:/{store.runs[0]}/notes", store.uri)
    with pytest.raises(InvalidModel, match="a model is in its folder 'nested model'"):
        fetched(f"runs:/{store.runs[0]}/old", store.uri)

    assert fetched.left == []


def test_an_unknown_model_hints_at_similar_names(store, fetched):
    """A registered model that does not exist is met with names that do."""
    with pytest.raises(ModelNotFound, match=r"no registered model 'irs' .*; there is 'iris'"):
        fetched("models:/irs/1", store.uri)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models:/iris/9", "model 'iris' has no version 9; it has versions 1, 2"),
        ("models:/iris@prod", "model 'iris' has no alias 'prod'; it has aliases 'challenger', 'champion'"),
        (
            "models:/iris/Production",
            "model 'iris' has no version in stage 'Production'; it has stage 'Staging'",
        ),
    ],
)
def test_an_unknown_version_alias_or_stage_lists_what_there_is(store, fetched, text, message):
    """The error says what the model has instead."""
    with pytest.raises(ModelNotFound) as raised:
        fetched(text, store.uri)

    assert str(raised.value) == message


def test_an_unknown_logged_model_is_named(store, fetched):
    """A logged model that does not exist is said to not exist, also by servers and stores that know none."""
    with pytest.raises(ModelNotFound, match="no logged model 'm-0123'"):
        fetched("models:/m-0123", store.uri)


def test_a_logged_model_is_found_by_its_id(server, database, file_store, fetched):
    """``models:/m-<id>`` gives the model, its id and the run that logged it."""
    for store in (server, database, file_store):
        model = fetched(f"models:/{store.models[1]}", store.uri)

        assert (model.folder / "MLmodel").is_file()
        assert (model.model_id, model.run_id) == (store.models[1], store.runs[1])


def test_what_the_run_put_beside_its_model_comes_along(server, database, file_store, fetched):
    """A run's artifacts under a logged model's name belong to the model, and the logged model's files win."""
    for store in (server, database, file_store):
        model = fetched(f"runs:/{store.runs[0]}/model", store.uri)

        assert (model.folder / "of_the_run.txt").read_text() == "written by the run"
        assert (
            "echo" in (model.folder / "MLmodel").read_text() or (model.folder / "python_model.pkl").is_file()
        )


def test_a_model_on_this_machine_is_not_copied(database, fetched):
    """What is in a local folder stays there; nothing is written."""
    model = fetched(f"models:/{database.models[0]}", database.uri)

    assert database.models[0] in str(model.folder)
    assert fetched.left == []


def test_a_model_of_a_server_is_downloaded_whole(server, fetched):
    """Every file of a logged model arrives, below the folder that was given."""
    model = fetched(f"models:/{server.models[0]}", server.uri)

    assert model.folder.is_relative_to(fetched.into)
    assert {path.name for path in model.folder.iterdir()} >= {"MLmodel", "conda.yaml", "requirements.txt"}
    assert [path.parent for path in model.folder.parents[0].glob("*/MLmodel")] == [model.folder]


def test_an_artifact_uri_of_the_server_is_a_reference(server, fetched):
    """``mlflow-artifacts:`` URIs name models of the tracking server, and so do URLs of its artifact API."""
    path = f"1/models/{server.models[0]}/artifacts"

    for text in (f"mlflow-artifacts:/{path}", f"{server.uri}/api/2.0/mlflow-artifacts/artifacts/{path}"):
        model = fetched(text, server.uri)
        assert model == ResolvedModel(parse_model_ref(text), model.folder)


def test_a_registry_may_be_elsewhere(server, database, fetched):
    """``MLFLOW_REGISTRY_URI`` is asked for versions, and the tracking store for runs."""
    model = fetched("models:/iris/1", server.uri, MLFLOW_REGISTRY_URI=database.uri)

    assert database.models[0] in str(model.folder)
    with pytest.raises(ModelNotFound):
        fetched(f"runs:/{database.runs[0]}/model", server.uri, MLFLOW_REGISTRY_URI=database.uri)


def test_a_place_that_no_package_reads_names_the_package(fetched):
    """Stores that only MLflow reads say what to install."""
    with pytest.raises(
        TrackingServerError, match=r"only mlflow can read postgresql://db/mlflow.*lading\[mlflow\]"
    ):
        fetched("models:/iris/1", "postgresql://user:secret@db/mlflow?password=secret")
