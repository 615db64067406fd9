"""Which engine makes an image."""

from dataclasses import replace

import pytest
from lading.cli.engine_choice import EngineName, Wishes, choose, parse_outputs, parse_platforms
from lading.cli.output_option import OutputOption
from lading.engines.oci.bytecode.mode import Bytecode
from lading.environment import Platform
from lading.errors import InvalidOption
from lading.plan import LINUX_AMD64
from lading.reference import ImageRef

WISHES = Wishes(
    base=None,
    platforms=(LINUX_AMD64,),
    outputs=(),
    default_output=OutputOption.default(ImageRef.parse("iris")),
    is_pushed=False,
    is_fresh=False,
    is_offline=False,
    bytecode=None,
    insecure_registries=(),
)
ARM = Platform("linux", "arm64")


def name_of(module: object) -> str:
    """Return which engine a module makes."""
    return str(getattr(module, "__name__", "")).rpartition(".")[2]


@pytest.mark.parametrize(
    "wishes",
    [
        {"outputs": parse_outputs(["out"])},
        {"platforms": (LINUX_AMD64, ARM)},
        {"is_offline": True},
        {"bytecode": Bytecode.OFF},
        {"base": "debian:bookworm"},
        {"base": "oci:base"},
        {"insecure_registries": ("registry.example",)},
    ],
)
def test_what_only_lading_itself_can_do_it_does(wishes):
    """Such an option chooses the oci engine, and contradicts --engine docker."""
    wanted = replace(WISHES, **wishes)

    assert name_of(choose(EngineName.AUTO, wanted)) == "oci_engine"
    with pytest.raises(InvalidOption, match="a container engine cannot follow"):
        choose(EngineName.DOCKER, wanted)


def test_an_engine_that_the_user_chose_is_taken_though_it_does_not_answer(monkeypatch):
    """Who sets DOCKER_HOST wants that engine, and learns that it does not answer."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")

    assert name_of(choose(EngineName.AUTO, WISHES)) == "docker_engine"


def test_without_an_engine_lading_writes_the_image_itself(monkeypatch, tmp_path):
    """Where nobody listens in a usual place, no daemon is needed."""
    monkeypatch.setattr("lading.engines.sockets.USUAL", {"Docker": ("HOME", "docker.sock")})
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST"):
        monkeypatch.delenv(variable, raising=False)

    assert name_of(choose(EngineName.AUTO, WISHES)) == "oci_engine"


def test_platforms_are_separated_by_commas():
    """Each is named once."""
    assert parse_platforms("linux/amd64, linux/arm64") == (LINUX_AMD64, ARM)
    with pytest.raises(InvalidOption, match="twice"):
        parse_platforms("linux/amd64,linux/amd64")
    with pytest.raises(InvalidOption, match="unknown platform"):
        parse_platforms("linux/amd64,")


def test_what_only_a_container_engine_takes_is_not_ignored():
    """Build arguments have no meaning where nothing is run, and the user learns it."""
    with pytest.raises(InvalidOption, match="--build-arg is for container engines"):
        choose(EngineName.OCI, replace(WISHES, has_build_args=True))
