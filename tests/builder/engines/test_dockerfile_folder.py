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


def test_what_was_added_to_a_folder_of_ours_is_not_lost(plan_of, tmp_path):
    """A file that somebody put beside the Dockerfile is a reason to refuse, and stays."""
    write_folder(plan_of(), tmp_path / "out", uv_program)
    (tmp_path / "out" / "compose.yaml").write_text("mine")

    with pytest.raises(StoreError, match=r"has something else in it: 'compose\.yaml'"):
        write_folder(plan_of(), tmp_path / "out", uv_program)

    assert (tmp_path / "out" / "compose.yaml").read_text() == "mine"


def test_neither_the_model_nor_the_own_folder_is_written_to(plan_of, tmp_path, monkeypatch):
    """Inside the model, the folder would contain itself; the working folder cannot be replaced."""
    plan = plan_of()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(StoreError, match="is inside the model"):
        write_folder(plan, plan_of.model / "out", uv_program)
    with pytest.raises(StoreError, match="is the folder that you are in"):
        write_folder(plan, Path(), uv_program)

    assert [path.name for path in plan_of.model.iterdir()] == ["MLmodel"]


def test_a_link_to_a_folder_is_followed(plan_of, tmp_path):
    """The folder behind the link is written; the link stays."""
    (tmp_path / "behind").mkdir()
    (tmp_path / "out").symlink_to("behind")

    write_folder(plan_of(), tmp_path / "out", uv_program)

    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "behind" / "Dockerfile").is_file()


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
