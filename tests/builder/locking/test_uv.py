"""Locking with uv, against real PyPI and against an index on loopback."""

import dataclasses
import time

import pytest
from lading.digest import Digest
from lading.environment import Environment, LocalWheel, PackageIndex, Platform, PythonMinor
from lading.errors import (
    InvalidEnvironment,
    PackageIndexError,
    UnlockableEnvironment,
    WheelUnavailable,
)
from lading.lock import Lock, SourceArchive, WheelSource
from lading.locking import pylock
from lading.locking.uv import UvLocker
from lading.progress import Silent
from lading.store import Store
from lading.wheels.fetch import WheelFetcher

LINUX = Platform("linux", "amd64")
PYTHON = PythonMinor(3, 11)


@pytest.fixture
def ask(host, store, uv_cache):
    """Lock requirements with the loopback index."""

    def lock(*requirements: str, index: PackageIndex | None = None, refresh: bool = False, **more) -> Lock:
        captured = more.pop("captured", PackageIndex())
        environment = Environment(more.pop("python", PYTHON), requirements, index=captured, **more)
        locker = UvLocker(index or PackageIndex(index_url=host.index), store, Silent(), refresh)
        return locker.lock(environment, LINUX)

    return lock


def versions(lock: Lock) -> dict[str, str | None]:
    """Return the locked versions by name."""
    return {package.name: package.version for package in lock.packages}


def test_real_packages_are_locked(store):
    """PyPI gives exact versions, with digest, size and URL of the wheel for the target."""
    lock = UvLocker(PackageIndex(), store, Silent()).lock(
        Environment(PYTHON, ("idna==3.10", "six==1.17.0", "tomli==2.2.1")), LINUX
    )

    assert versions(lock) == {"idna": "3.10", "six": "1.17.0", "tomli": "2.2.1"}
    tomli = lock.packages[2].source
    assert isinstance(tomli, WheelSource)
    assert "cp311-cp311-manylinux" in tomli.name
    assert tomli.url.startswith("https://files.pythonhosted.org/")
    assert tomli.size_bytes


def test_real_packages_are_locked_for_another_machine(store):
    """The target decides, not this machine: another Python and another processor."""
    lock = UvLocker(PackageIndex(), store, Silent()).lock(
        Environment(PythonMinor(3, 9), ("tomli==2.2.1; python_version < '3.11'", "orjson==3.10.18")),
        Platform("linux", "arm64"),
    )

    (orjson, tomli) = lock.packages
    assert isinstance(orjson.source, WheelSource)
    assert isinstance(tomli.source, WheelSource)
    assert "cp39" in orjson.source.name
    assert "aarch64" in orjson.source.name


def test_dependencies_and_constraints_count(ask, packages):
    """What a package needs is locked too, within the constraints."""
    packages.wheel("aa", requires=("bb",))
    packages.wheel("bb", "1.0")
    packages.wheel("bb", "2.0")

    assert versions(ask("aa")) == {"aa": "1.0", "bb": "2.0"}
    assert versions(ask("aa", constraints=("bb<2",))) == {"aa": "1.0", "bb": "1.0"}


def test_the_same_question_is_not_asked_twice(ask, packages, host):
    """A rebuild gets the lock of the first build, though the index has newer versions meanwhile."""
    packages.wheel("aa", "1.0")
    first = ask("aa")
    packages.wheel("aa", "2.0")

    assert ask("aa") == first
    assert versions(ask("aa", refresh=True)) == {"aa": "2.0"}
    assert versions(ask("aa")) == {"aa": "2.0"}


def test_a_known_lock_takes_no_time(ask, packages):
    """A lock that is known is there within 20 ms."""
    packages.wheel("aa")
    ask("aa")

    until = time.perf_counter() + 30  # a busy machine may do something else for a while
    seconds: list[float] = []
    while not seconds or (min(seconds) >= 0.02 and time.perf_counter() < until):
        started = time.perf_counter()
        ask("aa")
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.02


def test_another_question_is_asked(ask, packages, monkeypatch):
    """Other requirements, another Python and other settings of uv are other questions."""
    packages.wheel("aa", "1.0")
    ask("aa")
    packages.wheel("aa", "2.0")

    assert versions(ask("aa>=1")) == {"aa": "2.0"}
    assert versions(ask("aa", python=PythonMinor(3, 12))) == {"aa": "2.0"}
    monkeypatch.setenv("UV_PRERELEASE", "allow")
    assert versions(ask("aa")) == {"aa": "2.0"}


def test_the_users_index_comes_first(ask, packages, host):
    """The user's index replaces the one that the model was captured with."""
    packages.wheel("aa")
    nowhere = PackageIndex(index_url="http://127.0.0.1:9/simple")

    assert versions(ask("aa", index=PackageIndex(index_url=host.index), captured=nowhere)) == {"aa": "1.0"}


def test_the_captured_index_is_used(store, packages, host, uv_cache):
    """Index lines of the model's requirements count where the user says nothing."""
    packages.wheel("aa")
    environment = Environment(PYTHON, ("aa",), index=PackageIndex(extra_index_urls=(host.index,)))

    assert versions(UvLocker(PackageIndex(), store, Silent()).lock(environment, LINUX)) == {"aa": "1.0"}


def test_a_folder_of_wheels_is_enough(ask, packages, store, tmp_path):
    """``--find-links`` with ``--no-index`` needs no network; its wheels stay in the store."""
    wheel = packages.wheel("aa")
    (tmp_path / "a folder, with links").mkdir()
    moved = wheel.rename(tmp_path / "a folder, with links" / wheel.name)

    lock = ask("aa", index=PackageIndex(find_links=(str(moved.parent),), uses_index=False))
    assert str(tmp_path) not in repr(lock)
    moved.unlink()
    (fetched,) = WheelFetcher(store, Silent()).fetch(lock)
    assert fetched.name == wheel.name


def test_wheels_of_the_model_are_locked(ask, packages, host, store, tmp_path):
    """A wheel in the model folder is locked by its digest, its dependencies and extras with it."""
    packages.wheel("bb")
    own = packages.wheel("mylib", requires=("bb",)).rename(tmp_path / "mylib-1.0-py3-none-any.whl")

    lock = ask(wheels=(LocalWheel(own, "mylib==1.0; python_version > '3'"),))
    assert versions(lock) == {"bb": "1.0", "mylib": "1.0"}
    assert str(tmp_path) not in lock.pylock
    own_digest = Digest.of_file(own)
    own.unlink()
    fetched = WheelFetcher(store, Silent(), PackageIndex(index_url=host.index)).fetch(lock)
    assert Digest.of_file(fetched[1]) == own_digest


def test_a_changed_wheel_of_the_model_is_another_question(ask, packages, tmp_path):
    """A local wheel with new contents gives a new lock under the same name."""
    own = packages.wheel("mylib").rename(tmp_path / "mylib-1.0-py3-none-any.whl")
    first = ask(wheels=(LocalWheel(own, "mylib==1.0"),))
    packages.wheel("mylib", size=10).rename(own)

    second = ask(wheels=(LocalWheel(own, "mylib==1.0"),))
    assert second.packages[0].source.digest == Digest.of_file(own)
    assert first.digest != second.digest


def test_a_lock_whose_local_wheel_is_lost_is_made_again(ask, packages, store, tmp_path):
    """When the store lost a local wheel, the lock is made again, which brings it back."""
    own = packages.wheel("mylib").rename(tmp_path / "mylib-1.0-py3-none-any.whl")
    first = ask(wheels=(LocalWheel(own, "mylib==1.0"),))
    store.path(Digest.of_file(own)).unlink()

    assert ask(wheels=(LocalWheel(own, "mylib==1.0"),)) == first
    assert store.find(Digest.of_file(own))


def test_only_source_is_locked_as_source(ask, packages, host):
    """A package without wheels is locked with the digest of its source."""
    sdist = packages.sdist("aa")

    (package,) = ask("aa").packages
    assert package.source == SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))


def test_no_binary_takes_the_source(ask, packages, host):
    """``--no-binary`` of the model's requirements leaves its wheels aside."""
    packages.wheel("aa")
    packages.sdist("aa")

    lock = ask("aa", index=PackageIndex(index_url=host.index, no_binary=("aa",)))
    assert isinstance(lock.packages[0].source, SourceArchive)


def test_hashes_of_a_requirement_are_kept_to(ask, packages):
    """``--hash`` allows certain files only; another is refused by name."""
    digest = Digest.of_file(packages.wheel("aa"))

    assert ask(f"aa --hash={digest}").packages[0].source.digest == digest
    with pytest.raises(UnlockableEnvironment, match=r"aa 1\.0 has a hash that the model asks for"):
        ask(f"aa --hash=sha256:{'0' * 64}")
    with pytest.raises(UnlockableEnvironment, match="not SHA-256"):
        ask("aa --hash=md5:00")


def test_a_login_opens_the_index_and_stays_secret(ask, packages, host):
    """Credentials in the index URL are used and appear nowhere in the lock."""
    packages.wheel("aa")
    host.login = ("ada", "secret-word")

    lock = ask("aa", index=PackageIndex(index_url=host.index.replace("//", "//ada:secret-word@")))
    assert "secret-word" not in repr(lock)
    assert versions(lock) == {"aa": "1.0"}


def test_a_refusing_index_is_told(ask, packages, host):
    """An index that wants a login says so, with what to do and without the wrong password."""
    packages.wheel("aa")
    host.login = ("ada", "secret-word")

    with pytest.raises(PackageIndexError, match=rf"127\.0\.0\.1:{host.port}.*netrc") as caught:
        ask("aa", index=PackageIndex(index_url=host.index.replace("//", "//ada:wrong-word@")))
    assert "wrong-word" not in str(caught.value)
    assert "wrong-word" not in str(caught.value.__cause__)


def test_an_unreachable_index_is_told(ask, monkeypatch):
    """An index where nobody listens is named."""
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(PackageIndexError, match=r"cannot reach 127\.0\.0\.1:9"):
        ask("aa", index=PackageIndex(index_url="http://127.0.0.1:9/simple"))


def test_a_clash_names_both_sides(ask, packages):
    """Requirements that exclude each other are both named, in one line, with uv's text as the cause."""
    packages.wheel("aa", requires=("bb>=2",))
    packages.wheel("bb", "1.0")
    packages.wheel("bb", "2.0")

    with pytest.raises(UnlockableEnvironment) as caught:
        ask("aa", "bb<2")
    message = str(caught.value)
    assert "bb>=2" in message
    assert "bb<2" in message
    assert "\n" not in message
    assert "Because" in str(caught.value.__cause__)


def test_an_unknown_package_is_named(ask, packages):
    """A package that no index has is named, with the options that might help."""
    packages.wheel("aa")

    with pytest.raises(
        UnlockableEnvironment, match=r"nothing-like-it is in none of the package indexes; .*--extra-index-url"
    ):
        ask("aa", "nothing-like-it")


def test_an_unknown_version_is_named(ask, packages):
    """A version that no index has is named."""
    packages.wheel("aa")

    with pytest.raises(UnlockableEnvironment, match="there is no version of aa==9"):
        ask("aa==9")


def test_a_wheel_for_other_machines_is_told(ask, packages):
    """A package with wheels for other platforms only is named, with the platforms that it has."""
    packages.wheel("aa", tag="cp311-cp311-win_amd64")

    with pytest.raises(WheelUnavailable, match=r"aa==1\.0 has neither a wheel.*linux/amd64.*win_amd64"):
        ask("aa==1.0")


def test_a_broken_requirement_is_told(ask):
    """What is no requirement is shown as it was written."""
    with pytest.raises(InvalidEnvironment, match="aa =="):
        ask("aa ==")


def test_a_python_that_uv_does_not_know_is_told(ask):
    """A Python that is too old to lock for is named."""
    with pytest.raises(UnlockableEnvironment, match=r"Python 2\.7"):
        ask("aa", python=PythonMinor(2, 7))


def test_the_project_around_changes_nothing(ask, packages, tmp_path, monkeypatch):
    """The folder in which a user stands has no say in a model's environment."""
    packages.wheel("aa")
    (tmp_path / "pyproject.toml").write_text("[tool.uv]\nno-index = true\n")
    (tmp_path / "uv.toml").write_text("no-index = true\n")
    monkeypatch.chdir(tmp_path)

    assert versions(ask("aa")) == {"aa": "1.0"}


def test_a_lock_is_the_same_everywhere(ask, packages, host, tmp_path, monkeypatch):
    """Another store, cache and working folder give the same text."""
    packages.wheel("aa")
    first = ask("aa")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other-uv"))
    monkeypatch.chdir(tmp_path)
    locker = UvLocker(PackageIndex(index_url=host.index), Store(tmp_path / "other"), Silent())

    second = locker.lock(Environment(PYTHON, ("aa",)), LINUX)
    assert second.pylock == first.pylock
    assert pylock.read(first.pylock, PYTHON, LINUX) == dataclasses.replace(second)


def test_offline_only_a_kept_lock_counts(packages, host, store, uv_cache):
    """An environment that was locked before is locked the same; any other is refused, and nobody is asked."""
    packages.wheel("aa")
    environment, index = Environment(PYTHON, ("aa",)), PackageIndex(index_url=host.index)
    online, offline = UvLocker(index, store, Silent()), UvLocker(index, store, Silent(), is_offline=True)
    with pytest.raises(UnlockableEnvironment, match="offline nobody is asked"):
        offline.lock(environment, LINUX)
    assert host.requests == []

    known = online.lock(environment, LINUX)
    host.requests.clear()
    assert offline.lock(environment, LINUX) == known
    assert host.requests == []
