"""What goes into an image."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidOption, InvalidReference
from lading.labels import PlannedModel
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import CondaPackage, Lock
from lading.model import Model, ResolvedModel
from lading.plan import ImageNames, ImageOptions, base_python, make_plan, named_base
from lading.reference import RunModel

PYTHON = PythonMinor(3, 11)
LINUX = Platform("linux", "amd64")


def environment(target: str, text: str = "") -> EnvironmentLayer:
    """An environment without packages."""
    return EnvironmentLayer(target, Lock(PYTHON, LINUX, (), text), ())


RUN = RunModel("abc", "model")


def planned(ref=RUN, **known) -> PlannedModel:
    """A model of which only *known* is known."""
    folder = Path("/somewhere/model")
    model = Model(folder, {"python_function": {}}, "3.1.0", None, None, Digest.of(b"signature"))
    layer = FolderLayer(folder, "/opt/ml/model", Digest.of(b"model"), 10)
    return PlannedModel(ResolvedModel(ref, folder, **known), model, layer)


def plan(model: PlannedModel | None = None, **options):
    """A plan with *options*."""
    server, own = environment("/opt/lading", "server"), environment("/opt/env", "own")
    return make_plan(model or planned(), server, own, ImageOptions(**options))


def test_the_base_has_the_captured_python():
    """Without a choice the base is the official slim image of the Python that the lock is for."""
    assert plan().base == "python:3.11-slim-bookworm"
    assert plan(base=named_base("registry.example/python")).base == "registry.example/python"


def test_the_server_is_told_how_the_registry_calls_the_model():
    """Name and version, whatever the URI was; of a model in no registry nothing, so its folder counts."""
    registered = plan(planned(name="iris", version=3))

    assert registered.env["LADING_REGISTERED_MODEL"] == "iris/3"
    assert plan(planned(name="iris")).env["LADING_REGISTERED_MODEL"] == ""


def test_the_server_starts_without_a_shell_and_apart_from_the_model():
    """The entry point is the server's interpreter, which no folder and no PYTHONPATH adds modules to."""
    made = plan()

    assert made.entrypoint == ("/opt/lading/bin/python", "-I", "-m", "lading_runtime")
    assert made.env == {
        "LADING_MODEL": "/opt/ml/model",
        "LADING_MODEL_PYTHON": "/opt/env/bin/python",
        "LADING_REGISTERED_MODEL": "",
        "PATH": "/opt/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


def test_options_become_variables_that_can_still_be_set_at_start():
    """Workers, timeout and port are variables, so `docker run --env` wins; --env wins over them too."""
    made = plan(workers=3, timeout_s=7, port=9000, env={"MLFLOW_MODELS_WORKERS": "5", "MINE": "a b"})

    assert made.env["MLFLOW_MODELS_WORKERS"] == "5"
    assert made.env["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] == "7"
    assert (made.env["PORT"], made.port, made.env["MINE"]) == ("9000", 9000, "a b")


def test_a_default_port_is_left_to_the_platform():
    """PORT is not baked in, because it would beat the port that Vertex AI gives (AIP_HTTP_PORT)."""
    assert "PORT" not in plan().env


def test_labels_say_where_everything_comes_from():
    """Model, run, signature, locks and versions are labels; what is not known is left out."""
    labels = plan(planned(run_id="r1", name="iris", version=3)).labels

    assert labels["org.opencontainers.image.title"] == "iris"
    assert labels["org.opencontainers.image.version"] == "3"
    assert labels["org.opencontainers.image.base.name"] == "python:3.11-slim-bookworm"
    assert labels["ai.lading.model.uri"] == "runs:/abc/model"
    assert labels["ai.lading.model.run-id"] == "r1"
    assert labels["ai.lading.model.signature"] == str(Digest.of(b"signature"))
    assert labels["ai.lading.environment.lock"] == str(Digest.of(b"own"))
    assert labels["ai.lading.server.lock"] == str(Digest.of(b"server"))
    assert labels["ai.lading.mlflow.version"] == "3.1.0"
    assert labels["ai.lading.python"] == "3.11"
    assert "ai.lading.model.id" not in labels


def test_labels_of_the_user_win():
    """--label replaces a label of ours."""
    labels = plan(labels={"org.opencontainers.image.title": "mine", "team": "x"}).labels

    assert labels["org.opencontainers.image.title"] == "mine"
    assert labels["team"] == "x"


@given(st.dictionaries(st.sampled_from("abcdef"), st.text("xyz$\"\\' ", max_size=5)))
def test_equal_inputs_give_equal_plans(values):
    """A plan depends on nothing but its inputs, and not on their order."""
    backwards = dict(reversed(values.items()))

    first, second = plan(labels=values), plan(labels=backwards)

    assert first == second
    assert list(first.labels) == list(second.labels)


@pytest.mark.parametrize(
    ("option", "values", "reason"),
    [
        ("env", {"A-B": "x"}, "--env 'A-B' is no name"),
        ("env", {"A": "x\ny"}, "--env A has more than one line"),
        ("labels", {"": "x"}, "--label '' is no name"),
        ("labels", {"a": "x\ny"}, "--label a has more than one line"),
        ("build_args", {"1": "x"}, "--build-arg '1' is no name"),
        ("env", {"A": "\udcff"}, "--env 'A' is no text in UTF-8"),
    ],
)
def test_what_cannot_be_written_into_an_image_is_refused(option, values, reason):
    """Names that no variable has, and values of several lines, are errors that name the option."""
    with pytest.raises(InvalidOption, match=reason):
        plan(**{option: values})


def test_a_base_is_an_image_name():
    """What could be more than a name in a Dockerfile is refused before anything is done with it."""
    with pytest.raises(InvalidReference, match="is no image name"):
        named_base("python:3.11\nRUN true")


def test_images_are_not_named_by_digests():
    """A digest is what comes out, so it cannot be asked for; a name without one can, more than once."""
    names = ImageNames.parse(["iris", "other:1"], is_pushed=False).names

    assert list(map(str, names)) == ["iris:latest", "other:1"]
    with pytest.raises(InvalidReference, match="cannot be named by a digest"):
        ImageNames.parse([f"iris@sha256:{'0' * 64}"], is_pushed=False)


def test_a_plan_can_stand_on_something_else():
    """A stage is the same plan on another base."""
    made = plan()

    assert made.on("server") == replace(made, base="server")


def test_the_health_check_asks_the_port_that_the_server_listens_on():
    """The check is one small program for the server's own interpreter, without any package."""
    program, flags, text = plan(port=9000).health_check

    assert (program, flags) == ("/opt/lading/bin/python", "-ISc")
    assert '"PORT"' in text
    assert "9000" in text
    compile(text, "health check", "exec")


def test_conda_brings_its_own_python_and_programs(tmp_path):
    """The base is for the server alone then; programs of conda packages are found first."""
    (tmp_path / "bin").mkdir()
    conda = CondaPackage("python", "3.12.1", "h", "linux-64", "https://h/p.conda", Digest.of(b""))
    lock = Lock(PythonMinor(3, 12), LINUX, (), "", (conda,))
    own = EnvironmentLayer("/opt/env", lock, (), FolderLayer.scan(tmp_path, "/opt/env"))

    made = make_plan(planned(), environment("/opt/lading"), own, ImageOptions(env={"CONDA_PREFIX": "mine"}))

    assert base_python(lock) == made.python == PYTHON
    assert made.base == "python:3.11-slim-bookworm"
    assert made.labels["ai.lading.python"] == "3.12"
    assert made.env["PATH"].startswith("/opt/env/bin:/usr/local/sbin:")
    assert made.env["CONDA_PREFIX"] == "mine"
