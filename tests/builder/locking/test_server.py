"""The lock of the server's own environment."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
from lading import assets
from lading.digest import Digest
from lading.environment import Environment, PackageIndex, Platform, PythonMinor
from lading.errors import UnlockableEnvironment
from lading.lock import Lock, WheelSource
from lading.locking import server_lock
from lading.locking.server import ServerLocker
from packaging.requirements import Requirement

PYTHONS = [PythonMinor(3, minor) for minor in range(9, 15)]
PLATFORMS = [Platform("linux", "amd64"), Platform("linux", "arm64")]


class Recorder:
    """A locker that finds everything, and remembers what it was asked."""

    def __init__(self, found: Lock | None = None) -> None:
        self.asked: list[Environment] = []
        self.found = found

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return what it was made with."""
        self.asked.append(environment)
        assert self.found is not None
        return self.found


def declared() -> list[Requirement]:
    """Return what the runtime says that it depends on."""
    project = Path(assets.__file__).parents[2] / "runtime" / "pyproject.toml"
    return [Requirement(text) for text in tomllib.loads(project.read_text())["project"]["dependencies"]]


@pytest.mark.parametrize("platform", PLATFORMS, ids=str)
@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_the_committed_lock_fits_the_runtime(store, python, platform):
    """For each Python and platform the lock has all that the runtime depends on, all of it as wheels."""
    lock = ServerLocker(store, Recorder()).lock(python, platform)

    versions = {package.name: package.version for package in lock.packages}
    wanted = [each for each in declared() if each.marker is None or each.marker.evaluate()]
    assert [each.name for each in wanted if not each.specifier.contains(versions[each.name] or "")] == []
    assert all(isinstance(package.source, WheelSource) for package in lock.packages)


def test_the_runtimes_own_wheel_is_part_of_it(store):
    """The runtime's wheel is locked with the rest, and in the store."""
    lock = ServerLocker(store, Recorder()).lock(PYTHONS[2], PLATFORMS[0])

    (runtime,) = (package for package in lock.packages if package.name == "lading-runtime")
    assert runtime.source.digest == Digest.of_file(assets.runtime_wheel(store))
    assert store.find(runtime.source.digest)


def test_it_is_the_same_every_time(store, tmp_path):
    """The server's environment of a Python has the same digest in every build, and so the same layer."""
    first, second = (ServerLocker(store, Recorder()).lock(PYTHONS[3], PLATFORMS[0]) for _ in range(2))

    assert first == second


def test_what_was_locked_is_only_looked_up(store, monkeypatch):
    """No lock is read or written a second time; a runtime's wheel that was pruned is brought again."""
    first = ServerLocker(store, Recorder()).lock(PYTHONS[2], PLATFORMS[0])
    (runtime,) = (package for package in first.packages if package.name == "lading-runtime")
    assert runtime.source.digest is not None
    store.path(runtime.source.digest).unlink()
    monkeypatch.setattr(server_lock, "released", lambda *_: pytest.fail("it was locked again"))

    assert ServerLocker(store, Recorder()).lock(PYTHONS[2], PLATFORMS[0]) == first
    assert store.find(runtime.source.digest)


def test_a_python_without_server_is_told(store):
    """A Python on which the server does not run is named, with the first one on which it does."""
    with pytest.raises(UnlockableEnvironment, match=r"Python 3\.8 .*3\.9 or later"):
        ServerLocker(store, Recorder()).lock(PythonMinor(3, 8), PLATFORMS[0])


@pytest.mark.parametrize(
    "index", [PackageIndex(index_url="https://mirror.example/simple"), PackageIndex(uses_index=False)]
)
def test_another_index_is_asked_for_the_same_files(store, index):
    """With another index than PyPI, exactly the released wheels are looked for there, by their digests."""
    own = ServerLocker(store, Recorder()).lock(PYTHONS[2], PLATFORMS[0])
    others = tuple(each for each in own.packages if each.name != "lading-runtime")
    locker = Recorder(dataclasses.replace(own, packages=others))

    assert ServerLocker(store, locker, index).lock(PYTHONS[2], PLATFORMS[0]) == own
    (asked,) = locker.asked
    assert set(asked.requirements) == {
        f"{each.name}=={each.version} --hash={each.source.digest}" for each in others
    }
