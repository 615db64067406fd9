"""A folder that plain `docker build` builds."""

import shutil
import stat
import subprocess
import uuid
from pathlib import Path

import pytest
import uv
from lading.engines.dockerfile import render
from lading.engines.dockerfile_folder import write_folder
from lading.errors import StoreError


def uv_program() -> Path:
    """The uv of this machine."""
    return Path(uv.find_uv_bin())


def test_the_folder_is_complete(plan_of, tmp_path):
    """It has the Dockerfile and everything that its instructions copy."""
    plan = plan_of()
    write_folder(plan, tmp_path / "out", uv_program)

    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert (tmp_path / "out" / "Dockerfile").read_text() == render(plan)
    assert {"uv", "install.py", "model/MLmodel", "runtime/lading_runtime/__main__.py"} <= found
    assert {"server/requirements.txt", "environment/alpha-1.0-py3-none-any.whl"} <= found
    assert (tmp_path / "out" / "uv").stat().st_mode & stat.S_IXUSR


def test_a_folder_of_ours_is_replaced(plan_of, tmp_path):
    """Writing again leaves nothing of the first time."""
    write_folder(plan_of(), tmp_path / "out", uv_program)
    (plan_of.model / "MLmodel").rename(plan_of.model / "other")
    write_folder(plan_of(), tmp_path / "out", uv_program)

    assert [path.name for path in (tmp_path / "out" / "model").iterdir()] == ["other"]


def test_a_folder_of_somebody_else_is_left_alone(plan_of, tmp_path):
    """A folder with other things in it is refused, and not touched."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    with pytest.raises(StoreError, match="has something else in it; name a new folder"):
        write_folder(plan_of(), tmp_path, uv_program)

    assert (tmp_path / "Dockerfile").read_text() == "FROM scratch\n"


def test_an_unfinished_folder_is_not_there(plan_of, tmp_path):
    """When something fails on the way, neither the folder nor a part of it is left."""

    def no_uv() -> Path:
        raise KeyboardInterrupt

    (tmp_path / "parent").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_folder(plan_of(), tmp_path / "parent" / "out", no_uv)

    assert not any((tmp_path / "parent").iterdir())


@pytest.mark.container
def test_plain_docker_build_builds_it(plan_of, tmp_path):
    """`docker build DIR`, without network, gives an image that starts."""
    name = f"lading-test/{uuid.uuid4().hex[:12]}"
    write_folder(plan_of(), tmp_path / "out", uv_program)
    build = ("build", "--quiet", "--network", "none", "--force-rm", "--tag", name, tmp_path / "out")

    docker(*build)
    try:
        assert docker("run", "--rm", "--network", "none", name) == "served with []\n"
    finally:
        docker("rmi", name)


def docker(*words: object) -> str:
    """Run the `docker` command; return what it printed."""
    program = shutil.which("docker")
    assert program is not None, "the docker command is missing; ci/provision installs it"
    done = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True)
    return done.stdout
