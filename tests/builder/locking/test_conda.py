"""Environments that conda's channels have a part in, from specifications to files."""

import base64
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from lading.conda import rattler as asking
from lading.conda.packages import PackageFetcher
from lading.conda.prefixes import Prefixes
from lading.conda.rattler import Rattler
from lading.environment import CondaSpecs, Environment, InstalledPackage, Platform, PythonMinor
from lading.errors import (
    InvalidEnvironment,
    LadingError,
    PackageIndexError,
    UnlockableEnvironment,
    WheelUnavailable,
)
from lading.lock import Lock
from lading.locking import pylock
from lading.locking.conda import CondaLocker
from lading.progress import Silent
from lading.store import Store

from tests.builder.conda.channel import Channel, Package, distribution, python

LINUX = Platform("linux", "amd64")
AT_SITE = "lib/python3.11/site-packages"


@dataclass
class Pip:
    """Locks nothing, and remembers what it was asked."""

    asked: list[Environment] = field(default_factory=list)

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return an empty lock."""
        self.asked.append(environment)
        return Lock(environment.python, platform, (), pylock.render(environment.python, platform, ()))


@dataclass(frozen=True)
class Bench:
    """A locker with a store of its own."""

    store: Store
    pip: Pip = field(default_factory=Pip)

    def locker(self, *, is_offline: bool = False) -> CondaLocker:
        """Return who locks."""
        rattler = Rattler(is_offline=is_offline)
        fetcher = PackageFetcher(self.store, Silent(), rattler)
        prefixes = Prefixes(self.store, Silent(), rattler, fetcher)
        return CondaLocker(self.pip, self.store, rattler, fetcher, prefixes)

    def lock(self, *specs: str, channels: tuple[str, ...], platform: Platform = LINUX) -> Lock:
        """Return the lock of *specs*, with two requirements on top."""
        environment = Environment(PythonMinor(3, 8), ("a", "b"), conda=CondaSpecs(channels, specs))
        return self.locker().lock(environment, platform)


@pytest.fixture
def bench(tmp_path) -> Bench:
    """A locker with a store of this test's own."""
    return Bench(Store(tmp_path / "store"))


@pytest.fixture
def channel(tmp_path) -> Channel:
    """A channel with two Pythons and a package that needs one of them."""
    brought = {
        **distribution("brought", "2.0", "a>1 ; python_version > '3'", at=AT_SITE),
        **distribution("not_a_version", "what", at=AT_SITE),
    }
    needs = Package(name="brought", version="2.0", depends=("python 3.11.*", "__glibc >=2.30"), files=brought)
    return Channel(tmp_path / "channel").add(python("3.11.4"), python("3.12.1"), needs)


def test_exact_packages_are_locked(bench, channel):
    """Each package has its version, build, place and digest; the Python is the one that was found."""
    lock = bench.lock("python>=3.11", "brought", channels=(channel.url,))

    assert [(each.name, each.version, each.build) for each in lock.conda] == [
        ("brought", "2.0", "h1_0"),
        ("python", "3.11.4", "h1_0"),
    ]
    assert lock.python == PythonMinor(3, 11)
    assert all(bench.store.find(package.digest) for package in lock.conda)


def test_the_pip_part_is_locked_for_what_conda_brings(bench, channel):
    """Pip's locker is told conda's Python, and which distributions are there with what requirements."""
    bench.lock("python", "brought", channels=(channel.url,))

    (asked,) = bench.pip.asked
    needs = ("a>1 ; python_version > '3'",)
    assert asked.installed == (InstalledPackage("brought", "2.0", needs),)
    assert (asked.python, asked.requirements, asked.conda) == (PythonMinor(3, 11), ("a", "b"), None)


def test_an_environment_without_conda_is_pips(bench):
    """Where conda has no part, only pip's locker is asked."""
    environment = Environment(PythonMinor(3, 11), ("a",))

    assert bench.locker().lock(environment, LINUX).conda == ()
    assert bench.pip.asked == [environment]


def test_a_lock_is_a_file_that_gives_the_same_lock(bench, channel, tmp_path):
    """The text names every package, no folder of this machine, and is read back from beside its packages."""
    lock = bench.lock("python=3.11", "brought", channels=(channel.url,))

    again = pylock.read(lock.pylock, PythonMinor(3, 9), LINUX)
    beside = pylock.read(lock.pylock, PythonMinor(3, 9), LINUX, folder=channel.folder / "linux-64")

    assert again == lock
    assert str(tmp_path) not in lock.pylock
    assert beside.pylock == lock.pylock
    elsewhere = PackageFetcher(Store(tmp_path / "elsewhere"), Silent(), Rattler())
    assert [path.name for path in elsewhere.fetch(beside.conda)] == [each.file for each in lock.conda]
    with pytest.raises(WheelUnavailable, match="is a file of the machine that locked"):
        PackageFetcher(Store(tmp_path / "third"), Silent(), Rattler()).fetch(again.conda)


@pytest.mark.parametrize("table", ['name = "x"', 'name = "x"\nhashes = 1', "[tool.lading.conda.x]"])
def test_a_broken_lock_is_told(bench, channel, table):
    """What is no table of a conda package is no lock."""
    text = bench.lock("python=3.11", channels=(channel.url,)).pylock

    with pytest.raises(InvalidEnvironment, match=r"tool\.lading\.conda|not a pylock"):
        pylock.read(f"{text}\n[[tool.lading.conda]]\n{table}\n", PythonMinor(3, 11), LINUX)


def test_another_platform_is_locked_here(bench, tmp_path):
    """On one processor the packages for another are found."""
    arm = python(subdir="linux-aarch64")
    channel = Channel(tmp_path / "arm").add(arm)

    lock = bench.lock("python", channels=(channel.url,), platform=Platform("linux", "arm64"))

    assert [each.subdir for each in lock.conda] == ["linux-aarch64"]


def test_the_first_channel_that_has_a_package_counts(bench, channel, tmp_path):
    """Priority is strict; ``channel::package`` picks one."""
    other = Channel(tmp_path / "other").add(python("3.10.9"))

    first = bench.lock("python", channels=(other.url, channel.url))
    named = bench.lock(f"{channel.url}::python", channels=(other.url, channel.url))

    assert first.python == PythonMinor(3, 10)
    assert named.python == PythonMinor(3, 12)


def test_the_same_question_is_asked_once(bench, channel):
    """A second lock is the first one, until the channel's index changes."""
    environment = Environment(PythonMinor(3, 11), (), conda=CondaSpecs((channel.url,), ("python",)))
    first = bench.locker().lock(environment, LINUX)

    again = replace(bench.locker(), rattler=Rattler(program=("false",))).lock(environment, LINUX)
    newer = channel.add(python("3.13.0"))

    assert again == first
    assert bench.lock("python", channels=(newer.url,)).python == PythonMinor(3, 13)


def test_a_program_that_crashes_is_told(bench, channel):
    """What rattler's process says before it ends is the reason."""
    crashing = Rattler(program=("sh", "-c", "echo no memory left >&2; exit 3"))
    environment = Environment(PythonMinor(3, 11), (), conda=CondaSpecs((channel.url,), ("python",)))

    with pytest.raises(LadingError, match="no memory left"):
        replace(bench.locker(), rattler=crashing).lock(environment, LINUX)


@pytest.mark.parametrize(
    ("specs", "kind", "message"),
    [
        (
            ("python", "nothing-like-it"),
            UnlockableEnvironment,
            "No candidates were found for nothing-like-it",
        ),
        (("python=3.12", "brought"), UnlockableEnvironment, "brought 2.0 would require"),
        (("brought[[",), InvalidEnvironment, "conda.yaml: "),
    ],
)
def test_what_cannot_be_solved_is_explained(bench, channel, specs, kind, message):
    """The solver's reason is told in one line, with the channels."""
    with pytest.raises(kind) as raised:
        bench.lock(*specs, channels=(channel.url,))

    assert message in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.hint or kind is InvalidEnvironment


def test_specifications_without_python_are_refused(bench, tmp_path):
    """A model needs a Python, which conda does not bring by itself."""
    channel = Channel(tmp_path / "c").add(Package(name="lonely"))

    with pytest.raises(UnlockableEnvironment, match=r"conda\.yaml asks for no Python"):
        bench.lock("lonely", channels=(channel.url,))


@pytest.mark.parametrize("channel", ["http://127.0.0.1:9/c", "file:///no/such/channel"])
def test_a_channel_that_is_not_there_is_named(bench, channel):
    """The error says which channel gives no answer."""
    with pytest.raises(PackageIndexError, match=r"cannot read the channel at (127\.0\.0\.1:9|/no/such)"):
        bench.lock("python", channels=(channel,))


def test_nobody_is_asked_while_offline(bench, channel):
    """Local channels still count."""
    locker = bench.locker(is_offline=True)
    environment = Environment(PythonMinor(3, 11), (), conda=CondaSpecs((channel.url,), ("python",)))

    assert locker.lock(environment, LINUX).conda
    remote = replace(environment, conda=CondaSpecs(("https://u:p@h.example/c",), ("python",)))
    with pytest.raises(PackageIndexError, match=r"h\.example is not asked while offline"):
        locker.lock(remote, LINUX)


def test_without_the_extra_the_way_to_it_is_told(bench, channel, monkeypatch):
    """Who has not installed rattler reads how to, and how to do without."""
    monkeypatch.setattr(asking, "find_spec", lambda _: None)

    with pytest.raises(InvalidEnvironment, match=r"pip install 'lading\[conda\]'.*--env-manager virtualenv"):
        bench.lock("python", channels=(channel.url,))


class _Private(http.server.SimpleHTTPRequestHandler):
    """A channel that wants a login, or a token in its path."""

    def do_GET(self) -> None:
        login = "Basic " + base64.b64encode(b"me:secret").decode()
        if self.path.startswith("/t/to-ken/"):
            self.path = self.path.removeprefix("/t/to-ken")
        elif self.headers.get("Authorization") != login:
            self.send_error(401)
            return
        super().do_GET()

    do_HEAD = do_GET  # noqa: N815 - the name that http.server asks for

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def private(channel) -> Iterator[str]:
    """Serve the channel to those who may have it; give host and port."""
    handler = partial(_Private, directory=str(channel.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("login", ["me:secret@{}", "{}/t/to-ken"])
def test_credentials_open_a_channel_and_are_no_part_of_the_lock(bench, private, login):
    """A channel's login or token is used for its index and packages, also after the store lost them."""
    url = f"http://{login.format(private)}"

    lock = bench.lock("python=3.11", channels=(url,))
    for package in lock.conda:
        bench.store.path(package.digest).unlink()
    again = bench.lock("python=3.11", channels=(url,))

    assert again == lock
    assert lock.conda[0].url == f"http://{private}/linux-64/python-3.11.4-h1_0.conda"
    kept = [path for path in (bench.store.root / "entries").rglob("*") if path.is_file()]
    for secret in (b"secret", b"to-ken"):
        assert not [path for path in kept if secret in path.read_bytes()]


def test_netrc_opens_a_channel(bench, private, tmp_path, monkeypatch):
    """Whoever has a login in netrc need write it nowhere else."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    assert bench.lock("python=3.11", channels=(f"http://{private}",)).conda


def test_a_channel_that_refuses_is_told_without_secrets(bench, private):
    """The error names the host and the ways to log in."""
    with pytest.raises(LadingError) as raised:
        bench.lock("python", channels=(f"http://me:wrong@{private}",))

    assert isinstance(raised.value, PackageIndexError)
    assert private in raised.value.message
    assert "~/.netrc" in str(raised.value)
    assert "wrong" not in str(raised.value)


def test_a_file_that_the_channel_changed_is_refused(bench, channel, private):
    """What comes over the network is hashed."""
    file = Path(channel.folder / "linux-64" / "python-3.11.4-h1_0.conda")
    file.write_bytes(file.read_bytes() + b"x")

    with pytest.raises(LadingError, match=r"python-3\.11\.4-h1_0\.conda is not the file"):
        bench.lock("python=3.11", channels=(f"http://me:secret@{private}",))
