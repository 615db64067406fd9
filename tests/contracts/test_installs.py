"""Lading works however it was installed, with nothing of it published."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import uv
from lading import assets
from lading.store import Store

REPOSITORY = Path(__file__).resolve().parents[2]

PROBE = """
import sys, zipfile
from pathlib import Path
from lading import assets
from lading.store import Store
wheel = assets.runtime_wheel(Store(Path(sys.argv[1])))
print(assets.__file__)
print(wheel.name, "lading_runtime/wire.py" in zipfile.ZipFile(wheel).namelist())
print((assets.templates() / "Dockerfile.j2").is_file(), "lock-version" in assets.runtime_lock())
"""


def run(*command: object) -> str:
    """Run a command; return what it printed. A failure shows all of that."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))} failed:\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """A copy of the files that git has or would take: what a clone holds."""
    target: Path = tmp_path_factory.mktemp("sources") / "lading"
    listed = run("git", "-C", REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(sources: Path) -> Path:
    """The folder with the sdist, and with the wheel that was built from it."""
    run(uv.find_uv_bin(), "build", "--quiet", "--out-dir", sources.parent / "dist", sources)
    return sources.parent / "dist"


@pytest.fixture
def install(tmp_path):
    """Install into a new environment; return what the probe prints there."""

    def install_and_ask(*arguments: object) -> list[str]:
        python = tmp_path / "env" / "bin" / "python"
        run(uv.find_uv_bin(), "venv", "--quiet", "--python", "3.11", tmp_path / "env")
        run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, *arguments)
        return run(python, "-I", "-c", PROBE, tmp_path / "store").splitlines()

    return install_and_ask


def test_the_wheel_carries_everything(install, built):
    """From the wheel alone come the runtime's wheel, its lock and the templates."""
    (wheel,) = built.glob("*.whl")

    module, packed, texts = install(wheel)
    assert "site-packages" in module
    assert packed == "lading_runtime-0.1.0-py3-none-any.whl True"
    assert texts == "True True"


def test_the_source_distribution_carries_everything(install, built):
    """An install from the sdist builds the same wheel."""
    (sdist,) = built.glob("*.tar.gz")

    _, packed, texts = install(sdist)
    assert (packed, texts) == ("lading_runtime-0.1.0-py3-none-any.whl True", "True True")


def test_an_editable_install_uses_the_checkout(install, sources):
    """An editable install finds everything in the checkout, and builds the runtime's wheel from it."""
    module, packed, texts = install("--editable", sources)

    assert module.startswith(str(sources))
    assert (packed, texts) == ("lading_runtime-0.1.0-py3-none-any.whl True", "True True")


def test_a_git_url_is_enough(install, sources, tmp_path):
    """``pip install git+…`` of a repository is enough."""
    clone = tmp_path / "repository"
    shutil.copytree(sources, clone)
    git = ("git", "-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "all"]):
        run(*git, *command)

    _, packed, texts = install(f"lading @ git+{clone.as_uri()}")
    assert (packed, texts) == ("lading_runtime-0.1.0-py3-none-any.whl True", "True True")


def test_every_way_gives_the_same_runtime(built, sources, tmp_path, monkeypatch):
    """The runtime's wheel has the same bytes in the builder's wheel and from a checkout."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (baked,) = (name for name in archive.namelist() if name.endswith(".whl"))
        content = archive.read(baked)
    monkeypatch.setattr(assets, "_CHECKOUT", sources)

    assert assets.runtime_wheel(Store(tmp_path)).read_bytes() == content
