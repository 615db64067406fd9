"""References to models and images: what is understood, what is refused, and that text survives both ways."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.errors import InvalidReference
from lading.reference import (
    AliasedModel,
    ImageRef,
    LocalModel,
    LoggedModel,
    RemoteModel,
    RunModel,
    StagedModel,
    VersionedModel,
    describe,
    parse_model_ref,
)

NAMES = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="/%", exclude_categories=("C", "Z")), min_size=1
)
ALIASES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("runs:/abc/model", RunModel("abc", "model")),
        ("runs:/abc/deep/er/model/", RunModel("abc", "deep/er/model")),
        ("RUNS:///abc/model", RunModel("abc", "model")),
        ("models:/iris/3", VersionedModel("iris", 3)),
        ("models:/iris/latest", VersionedModel("iris", None)),
        ("models:/iris/Latest", VersionedModel("iris", None)),
        ("models:/iris/Production", StagedModel("iris", "Production")),
        ("models:/iris@champion", AliasedModel("iris", "champion")),
        ("models:/me@home@champion", AliasedModel("me@home", "champion")),
        ("models:/my%20iris/1", VersionedModel("my iris", 1)),
        ("models:/m-0123", LoggedModel("m-0123")),
        ("file:///no/such%20model", LocalModel(Path("/no/such model"))),
        ("file://localhost/no/model", LocalModel(Path("/no/model"))),
        ("no/such/model", LocalModel(Path("no/such/model"))),
        ("s3://bucket/model", RemoteModel("s3://bucket/model")),
        ("mlflow-artifacts:/1/models/m-1/artifacts", RemoteModel("mlflow-artifacts:/1/models/m-1/artifacts")),
        ("https://h/m?sig=x", RemoteModel("https://h/m?sig=x")),
    ],
)
def test_every_form_of_mlflow_is_understood(text, ref):
    """Each form of a model URI says what kind of thing it names."""
    assert parse_model_ref(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "runs:/abc",
        "runs:/",
        "runs:/abc/",
        "runs:/abc/../other",
        "models:/",
        "models:iris",
        "models:/iris/1/more",
        "models:/@champion",
        "models:/iris@",
        "models://",
        "file://other-machine/model",
        "https://[not-an-address/model",
    ],
)
def test_what_names_no_model_is_refused_with_a_hint(text):
    """A broken reference is an error that says how one is written."""
    with pytest.raises(InvalidReference) as raised:
        parse_model_ref(text)

    assert raised.value.hint


def test_a_path_that_exists_wins(tmp_path, monkeypatch):
    """What is a folder here is that folder, whatever else its name could mean, as in MLflow."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models:").mkdir()
    (tmp_path / "models:" / "iris").mkdir()

    assert parse_model_ref("models:/iris") == LocalModel(Path("models:/iris"))


def test_a_text_too_long_for_a_path_is_no_path():
    """What the file system refuses to look up is read as the URI that it may still be."""
    name = "a" * 5000

    assert parse_model_ref(f"models:/{name}/1") == VersionedModel(name, 1)


@given(NAMES, st.integers(min_value=1, max_value=10**9), ALIASES)
def test_references_survive_being_written(name, version, alias):
    """Parsing what a reference prints gives it back."""
    for ref in (VersionedModel(name, version), VersionedModel(name, None), AliasedModel(name, alias)):
        assert parse_model_ref(str(ref)) == ref


@given(st.text(max_size=30))
def test_no_text_is_worse_than_refused(text):
    """Any text is a reference or an ``InvalidReference``."""
    try:
        ref = parse_model_ref(text)
    except InvalidReference:
        return

    assert describe(ref)


def test_a_remote_model_prints_no_secrets():
    """The text of a URL leaves out name and password, query and fragment; the URL itself keeps them."""
    ref = parse_model_ref("https://ada:sesame@h:81/models/a?sig=sesame#sesame")

    assert str(ref) == "https://h:81/models/a"
    assert isinstance(ref, RemoteModel)
    assert (ref.scheme, "sesame" in ref.uri) == ("https", True)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("iris", ImageRef(None, "iris")),
        ("iris:1.0", ImageRef(None, "iris", "1.0")),
        ("team/iris:1", ImageRef(None, "team/iris", "1")),
        ("localhost/iris", ImageRef("localhost", "iris")),
        ("localhost:5000/iris", ImageRef("localhost:5000", "iris")),
        ("registry.example.com/a/b-c/d__e:x", ImageRef("registry.example.com", "a/b-c/d__e", "x")),
        ("[::1]:5000/iris", ImageRef("[::1]:5000", "iris")),
        (f"iris@sha256:{'0' * 64}", ImageRef(None, "iris", "latest", Digest("0" * 64))),
        (f"iris:1@sha256:{'0' * 64}", ImageRef(None, "iris", "1", Digest("0" * 64))),
    ],
)
def test_image_names_are_read_as_docker_does(text, ref):
    """Host, path, tag and digest are told apart by Docker's rules."""
    assert ImageRef.parse(text) == ref
    assert ImageRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("Iris", "'Iris'"),
        ("iris:", "''"),
        ("iris:-x", "'-x'"),
        ("a//b", "'a//b'"),
        ("-host.com/iris", "'-host.com'"),
        ("iris@sha256:1", "'sha256:1'"),
        ("iris@", "''"),
        ("a" * 64, "id of an image"),
        ("localhost:65536/iris", "'localhost:65536' is no registry host"),
        ("x" * 256, "too long"),
        ("iris:" + "x" * 129, "xxx"),
        ("iris latest", "'iris latest'"),
    ],
)
def test_what_is_no_image_name_is_refused_by_part(text, part):
    """The error says which part of the name is wrong."""
    with pytest.raises(InvalidReference, match="is no image name") as raised:
        ImageRef.parse(text)

    assert part in str(raised.value)


@given(
    st.from_regex(
        r"([a-z0-9]{1,8}\.[a-z]{2,3}(:[0-9]{1,4})?/)?[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}", fullmatch=True
    ),
    st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True),
)
def test_image_names_survive_being_written(name, tag):
    """Parsing what an image reference prints gives it back, and its repository leaves out the tag."""
    ref = ImageRef.parse(f"{name}:{tag}")

    assert ImageRef.parse(str(ref)) == ref
    assert (ref.repository, ref.tag) == (name, tag)
