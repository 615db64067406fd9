"""Virtual environments of this machine: made once, whole, and shared."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from lading.environment import Platform, PythonMinor
from lading.environments.uv import UvMaker
from lading.environments.virtualenv import VirtualenvMaker
from lading.errors import ServeFailed
from lading.lock import Lock
from lading.progress import Silent

MINOR = PythonMinor(*sys.version_info[:2])
MAKERS = pytest.mark.parametrize("kind", [UvMaker, VirtualenvMaker])
LISTING = (
    "import importlib.metadata as m; print(*sorted(each.metadata['Name'] for each in m.distributions()))"
)


def lock_of(*wheels, python: PythonMinor = MINOR) -> Lock:
    """Return a lock that is named by its wheels."""
    return Lock(python, Platform("linux", "amd64"), (), " ".join(wheel.name for wheel in wheels))


def ask(interpreter, code: str) -> str:
    """Return what an interpreter prints."""
    return subprocess.run(
        [interpreter, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_uv_installs_exactly_the_wheels(packages, store, uv_cache):
    """The environment holds the wheels and nothing else, dependencies that are not locked included."""
    wheels = (packages.wheel("aa", requires=("not-locked",)), packages.wheel("bb"))

    interpreter = UvMaker(store, Silent()).make(lock_of(*wheels), wheels)
    assert ask(interpreter, LISTING) == "aa bb"
    assert ask(interpreter, "import aa; print(aa.version)") == "1.0"
    assert ask(interpreter, "import sys; print('{}.{}'.format(*sys.version_info))") == str(MINOR)


def test_virtualenv_brings_pip(packages, store):
    """The environment of virtualenv holds the wheels, and pip as MLflow's has it."""
    wheels = (packages.wheel("aa", requires=("not-locked",)),)

    interpreter = VirtualenvMaker(store, Silent()).make(lock_of(*wheels), wheels)
    assert {"aa", "pip"} <= set(ask(interpreter, LISTING).split())


@MAKERS
def test_it_is_made_once(kind, packages, store, uv_cache, monkeypatch):
    """The environment of a lock is found again, without looking for an interpreter."""
    wheels = (packages.wheel("aa"),)
    first = kind(store, Silent()).make(lock_of(*wheels), wheels)
    monkeypatch.setattr("lading.environments.local.find_interpreter", None)

    assert kind(store, Silent()).make(lock_of(*wheels), wheels) == first


def test_two_at_once_share_it(packages, store, uv_cache):
    """Two that need the same environment at the same time get the same whole one."""
    wheels = (packages.wheel("aa"),)

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: UvMaker(store, Silent()).make(lock_of(*wheels), wheels), range(2)))
    assert made[0] == made[1]
    assert ask(made[0], LISTING) == "aa"


def test_other_locks_and_makers_have_their_own(packages, store, uv_cache):
    """Another lock, or another maker, is another environment."""
    aa, bb = packages.wheel("aa"), packages.wheel("bb")

    made = {
        UvMaker(store, Silent()).make(lock_of(aa), (aa,)),
        UvMaker(store, Silent()).make(lock_of(bb), (bb,)),
        VirtualenvMaker(store, Silent()).make(lock_of(aa), (aa,)),
    }
    assert len(made) == 3


@MAKERS
def test_a_half_made_one_is_made_again(kind, packages, store, uv_cache):
    """What a failed or interrupted run left is never used."""
    wheels, broken = (packages.wheel("aa"),), packages.folder / "bb-1.0-py3-none-any.whl"
    broken.write_bytes(b"no wheel")
    lock = lock_of(*wheels)
    with pytest.raises(ServeFailed, match="the environment"):
        kind(store, Silent()).make(lock, (*wheels, broken))

    assert "aa" in ask(kind(store, Silent()).make(lock, wheels), LISTING)


def test_one_whose_interpreter_is_gone_is_made_again(packages, store, uv_cache):
    """An environment whose base was removed or replaced is made anew."""
    wheels = (packages.wheel("aa"),)
    interpreter = UvMaker(store, Silent()).make(lock_of(*wheels), wheels)
    interpreter.unlink()
    interpreter.symlink_to("/nonexistent/python")

    assert ask(UvMaker(store, Silent()).make(lock_of(*wheels), wheels), LISTING) == "aa"


def test_a_missing_python_is_told(store):
    """Without the captured Python the error says which ones there are, and what to do."""
    with pytest.raises(ServeFailed, match=rf"no Python 3\.99 .*{MINOR}.*uv python install 3\.99"):
        UvMaker(store, Silent()).make(lock_of(python=PythonMinor(3, 99)), ())


def test_a_python_that_virtualenv_does_not_know_is_told(packages, store, monkeypatch, tmp_path):
    """Where virtualenv cannot make an environment, the hint names the manager that can."""
    (tmp_path / "python").touch(mode=0o755)
    monkeypatch.setattr("lading.environments.local.find_interpreter", lambda _: tmp_path / "python")

    with pytest.raises(ServeFailed, match="--env-manager uv"):
        VirtualenvMaker(store, Silent()).make(lock_of(), ())
