"""What BuildKit is asked to build, and what is made of its answers; images are built in `test_docker.py`."""

import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import uv
from docker import DockerClient
from lading.engines.buildkit import BuildKitBuilder
from lading.engines.buildx import Buildx
from lading.errors import BuildFailed, StoreError
from lading.plan import ImagePlan
from lading.progress import Silent
from lading.store import Store

BASE = "ba5e" * 16
MADE = "1d" * 32
SUCCEEDS = f"""\
arguments = dict(word.partition("=")[::2] for word in sys.argv[1:])
folder = pathlib.Path(sys.argv[-1])
files = {{str(it.relative_to(folder)): it.stat().st_nlink for it in folder.rglob("*") if it.is_file()}}
pathlib.Path(arguments["--iidfile"]).write_text("sha256:{MADE}")
dockerfile = (folder / "Dockerfile").read_text()
print(json.dumps([sys.argv[1:], folder.name, files, dockerfile]))
"""


@dataclass
class Recorder(Silent):
    """Remembers lines."""

    lines: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Remember the line."""
        self.lines.append(text)


@dataclass
class Classic:
    """A builder that remembers what it was asked for."""

    bases: list[str] = field(default_factory=list)

    def build(self, plan: ImagePlan, base: str) -> str:
        """Give a known id."""
        self.bases.append(base)
        return "c1a551c"


@dataclass(frozen=True)
class Bench:
    """A builder whose `docker` is a Python script."""

    folder: Path
    store: Store
    classic: Classic = field(default_factory=Classic)

    def build(self, plan: ImagePlan, script: str = SUCCEEDS, **options) -> tuple[str, list[str]]:
        """Build *plan*; return the id and what the command printed. No engine is asked for earlier images."""
        program = self.folder / "docker"
        program.write_text(f"#!{sys.executable}\nimport json, pathlib, sys\n{script}")
        program.chmod(0o755)
        told = Recorder()
        builder = BuildKitBuilder(
            Buildx(str(program), "default", os.environ),
            self.classic,
            DockerClient(base_url="unix:///nowhere", version="1.41"),
            self.store,
            lambda _: Path(uv.find_uv_bin()),
            told,
            **{"is_fresh": True, **options},
        )
        image = builder.build(plan, BASE)
        builder.client.close()
        return image, told.lines


@pytest.fixture
def bench(tmp_path, store) -> Bench:
    """A builder without an engine."""
    return Bench(tmp_path, store)


def asked(lines: list[str]) -> tuple[list[str], str, dict[str, int], str]:
    """What the script was asked: arguments, the folder's name, its files with their links, the Dockerfile."""
    arguments, folder, files, dockerfile = json.loads(lines[0])
    return arguments, folder, files, dockerfile


def test_one_build_makes_everything(bench, plan_of):
    """The whole context lies in a folder, of which nothing is left; there is no network, and no name yet."""
    image, lines = bench.build(plan_of(build_args={"A": "b c"}))

    arguments, _, files, dockerfile = asked(lines)
    assert image == MADE
    assert arguments[:4] == ["buildx", "--builder", "default", "build"]
    assert {"--load", "--network=none", "--platform=linux/amd64", "--build-arg=A=b c"} <= set(arguments)
    assert not [word for word in arguments if word.startswith(("-t", "--tag", "--push"))]
    assert {"uv", "install.py", "model/MLmodel", "server/requirements.txt", "Dockerfile"} <= set(files)
    assert "ai.lading.stage" in dockerfile.splitlines()[-1]
    assert not list((bench.store.root / "temporary").iterdir())


def test_wheels_of_the_store_are_not_copied(bench, plan_of, packages):
    """They may be hundreds of megabytes."""
    wheel = packages.wheel("kept")
    kept = bench.store.named(bench.store.add_file(wheel), wheel.name)

    _, lines = bench.build(replace(plan_of, environment=(kept,))())

    _, _, files, _ = asked(lines)
    assert files["environment/kept-1.0-py3-none-any.whl"] > 1
    assert files["model/MLmodel"] == 1


def test_the_folder_is_named_for_the_environments(bench, plan_of, packages):
    """BuildKit knows files again by that name, so models share what was sent for their environments."""
    first = asked(bench.build(plan_of())[1])[1]
    (plan_of.model / "MLmodel").write_text("another model")
    second = asked(bench.build(plan_of(port=9000))[1])[1]
    third = asked(bench.build(replace(plan_of, environment=(packages.wheel("beta"),))())[1])[1]

    assert first == second != third


def test_whatever_decides_is_in_the_key(bench, plan_of, packages):
    """Another model, environment, option or base makes another image."""
    other = replace(plan_of, environment=(packages.wheel("beta"),))
    plans = [plan_of(), plan_of(port=9000), plan_of(base="other"), other()]
    keys = {asked(bench.build(plan)[1])[3].splitlines()[-1] for plan in plans}
    (plan_of.model / "MLmodel").write_text("another model")
    keys.add(asked(bench.build(plan_of())[1])[3].splitlines()[-1])

    assert len(keys) == 5


@pytest.mark.parametrize("base", ["sha256:" + "0a" * 32, "72f823ebda07"])
def test_the_classic_builder_builds_on_ids(bench, plan_of, base):
    """BuildKit would look for a repository of that name."""
    assert bench.build(plan_of(base=base)) == ("c1a551c", [])
    assert bench.classic.bases == [BASE]


def test_a_failed_step_is_named(bench, plan_of):
    """The message says which step and why, the hint how to see more."""
    script = """\
print("#9 [server-install 3/3] RUN install")
print("#9 ERROR: exit code: 1")
print("ERROR: failed to solve: exit code: 1")
sys.exit(1)
"""
    with pytest.raises(BuildFailed) as caught:
        bench.build(plan_of(), script)

    assert caught.value.message == (
        "the engine cannot build the image: [server-install 3/3] RUN install: exit code: 1"
    )
    assert caught.value.hint == "see all of its output with --progress plain"
    assert not list((bench.store.root / "temporary").iterdir())


def test_where_buildkit_itself_fails_there_is_another_way(bench, plan_of):
    """Without a failed step the hint names the classic builder."""
    script = 'print("ERROR: mkdir /root/.docker/buildx: read-only file system"); sys.exit(1)'

    with pytest.raises(BuildFailed, match=r"read-only file system; .*DOCKER_BUILDKIT=0"):
        bench.build(plan_of(), script)


def test_a_full_disk_of_the_engine_is_known(bench, plan_of):
    """It may show in the output of a step, whose own end says nothing of it."""
    script = """\
print("#9 [server-install 3/3] RUN install")
print("#9 0.1 error: No space left on device (os error 28)")
print("#9 ERROR: exit code: 2")
print("ERROR: failed to solve: exit code: 2")
sys.exit(1)
"""
    with pytest.raises(BuildFailed, match="the engine's disk is full"):
        bench.build(plan_of(), script)


def test_a_full_disk_here_is_known(bench, plan_of, monkeypatch):
    """The folder of the context needs space for the model."""

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lading.engines.buildkit.write", no_space)

    with pytest.raises(StoreError, match="free some space"):
        bench.build(plan_of())
