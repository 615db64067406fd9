"""Fetching wheels: what is there afterwards, and what never is."""

import contextlib
import dataclasses
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lading.digest import Digest
from lading.environment import PackageIndex
from lading.errors import DigestMismatch, PackageIndexError, WheelUnavailable
from lading.lock import Lock, WheelSource
from lading.locking import pylock
from lading.progress import Silent
from lading.store import Store
from lading.wheels.fetch import WheelFetcher


def fetcher(store: Store, index: PackageIndex | None = None) -> WheelFetcher:
    """Return a fetcher that does not wait between attempts."""
    return WheelFetcher(store, Silent(), index or PackageIndex(), first_wait_s=0)


def relocated(lock: Lock, url: str) -> Lock:
    """Return *lock* with its only wheel at *url*."""
    (package,) = lock.packages
    assert isinstance(package.source, WheelSource)
    return dataclasses.replace(
        lock, packages=(dataclasses.replace(package, source=dataclasses.replace(package.source, url=url)),)
    )


def test_wheels_come_in_the_order_of_the_lock_under_their_names(packages, host, store):
    """Each package's wheel is there, with its real file name, in the order of the packages."""
    lock = host.lock(packages.wheel("bb"), packages.wheel("aa"))

    wheels = fetcher(store).fetch(lock)
    assert [wheel.name for wheel in wheels] == ["aa-1.0-py3-none-any.whl", "bb-1.0-py3-none-any.whl"]
    assert [Digest.of_file(wheel) for wheel in wheels] == [package.source.digest for package in lock.packages]


def test_what_is_in_the_store_is_not_fetched(packages, host, store):
    """A second build asks the network for nothing."""
    lock = host.lock(packages.wheel("aa"))
    fetcher(store).fetch(lock)
    host.requests.clear()

    fetcher(store).fetch(lock)
    assert host.requests == []


def test_a_damaged_wheel_is_fetched_again(packages, host, store):
    """A wheel that changed in the store is noticed and replaced."""
    lock = host.lock(packages.wheel("aa"))
    (wheel,) = fetcher(store).fetch(lock)
    wheel.chmod(0o644)
    wheel.write_bytes(b"tampered")

    (again,) = fetcher(store).fetch(lock)
    assert Digest.of_file(again) == lock.packages[0].source.digest
    assert len(host.requests) == 2


def test_other_bytes_than_locked_are_refused(packages, host, store):
    """A wheel with another digest is refused by name, digests and host, and does not stay."""
    lock = host.lock(packages.wheel("aa"))
    (packages.folder / "aa-1.0-py3-none-any.whl").write_bytes(b"other")

    with pytest.raises(DigestMismatch) as caught:
        fetcher(store).fetch(lock)
    message = str(caught.value)
    expected = lock.packages[0].source.digest
    assert all(
        part in message for part in ("aa-1.0-py3-none-any.whl", f"127.0.0.1:{host.port}", str(expected))
    )
    assert str(Digest.of(b"other")) in message
    assert expected is not None
    assert store.find(expected) is None


def test_a_broken_connection_is_continued(packages, host, store):
    """When a connection breaks, the rest is asked for, not the whole."""
    wheel = packages.wheel("aa", size=100_000)
    host.faults.append(
        lambda handler, content: handler.answer(200, content[:60_000], length=len(content)) or True
    )

    fetcher(store).fetch(host.lock(wheel))
    assert host.requests == [(wheel.name, None), (wheel.name, "bytes=60000-")]


def test_a_host_without_ranges_starts_over(packages, host, store):
    """Where a host does not continue files, the file is fetched from its start."""
    wheel = packages.wheel("aa", size=100_000)
    host.has_ranges = False
    host.faults.append(
        lambda handler, content: handler.answer(200, content[:60_000], length=len(content)) or True
    )

    (fetched,) = fetcher(store).fetch(host.lock(wheel))
    assert fetched.read_bytes() == wheel.read_bytes()


def test_a_wrong_continuation_starts_over(packages, host, store):
    """A host that continues at another place than asked is not believed."""
    wheel = packages.wheel("aa", size=100_000)
    host.faults += [
        lambda handler, content: handler.answer(200, content[:60_000], length=len(content)) or True,
        lambda handler, content: handler.answer(206, content[5:], {"Content-Range": "bytes 5-9/10"}) or True,
    ]

    (fetched,) = fetcher(store).fetch(host.lock(wheel))
    assert fetched.read_bytes() == wheel.read_bytes()


def test_an_old_part_of_another_file_does_no_harm(packages, host, store):
    """What an earlier run left is only used when the whole has the promised digest."""
    wheel = packages.wheel("aa", size=100_000)
    store.partial(Digest.of_file(wheel)).write_bytes(b"x" * 50_000)

    (fetched,) = fetcher(store).fetch(host.lock(wheel))
    assert fetched.read_bytes() == wheel.read_bytes()
    assert [wanted for _, wanted in host.requests] == ["bytes=50000-", None]


def test_a_part_that_is_longer_than_the_file_does_no_harm(packages, host, store):
    """A leftover that no range continues is thrown away."""
    wheel = packages.wheel("aa")
    store.partial(Digest.of_file(wheel)).write_bytes(b"x" * 100_000)
    host.faults.append(lambda handler, content: handler.answer(416, b"") or True)

    (fetched,) = fetcher(store).fetch(host.lock(wheel))
    assert fetched.read_bytes() == wheel.read_bytes()


def test_a_part_that_is_already_whole_is_used(packages, host, store):
    """A run that was stopped after the last byte leaves nothing to fetch."""
    wheel = packages.wheel("aa")
    shutil.copy(wheel, store.partial(Digest.of_file(wheel)))

    fetcher(store).fetch(host.lock(wheel))
    assert host.requests == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_failures_are_tried_again(packages, host, store, status):
    """A host that is busy or broken for a moment is asked again."""
    wheel = packages.wheel("aa")
    host.faults += [lambda handler, _: handler.answer(status, b"", {"Retry-After": "0"}) or True] * 2

    fetcher(store).fetch(host.lock(wheel))
    assert len(host.requests) == 3


def test_a_host_that_stays_broken_is_named(packages, host, store):
    """After a bounded number of attempts the error says which host failed and how."""
    host.faults += [lambda handler, _: handler.answer(503, b"") or True] * 100

    with pytest.raises(PackageIndexError, match=rf"127\.0\.0\.1:{host.port}.*503"):
        fetcher(store).fetch(host.lock(packages.wheel("aa")))
    assert len(host.requests) < 10


def test_an_unreachable_host_is_named(packages, store, host):
    """A host where nobody listens is named."""
    lock = relocated(host.lock(packages.wheel("aa")), "http://127.0.0.1:9/aa-1.0-py3-none-any.whl")

    with pytest.raises(PackageIndexError, match=r"127\.0\.0\.1:9"):
        fetcher(store).fetch(lock)


def test_a_file_that_is_gone_is_named(packages, host, store):
    """A 404 says which wheel is no longer there."""
    lock = host.lock(packages.wheel("aa"))
    (packages.folder / "aa-1.0-py3-none-any.whl").unlink()

    with pytest.raises(WheelUnavailable, match=r"aa-1\.0"):
        fetcher(store).fetch(lock)


def test_a_host_with_a_login_gets_that_of_the_index(packages, host, store):
    """The credentials of the index URL open the files on the same host."""
    host.login = ("ada", "p@ss")
    index = PackageIndex(extra_index_urls=(f"http://ada:p%40ss@127.0.0.1:{host.port}/simple",))

    assert fetcher(store, index).fetch(host.lock(packages.wheel("aa")))


def test_a_host_with_a_login_gets_that_of_netrc(packages, host, store, tmp_path, monkeypatch):
    """The credentials of netrc are used."""
    host.login = ("ada", "secret")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert fetcher(store).fetch(host.lock(packages.wheel("aa")))


def test_a_refusing_host_gets_no_second_request(packages, host, store):
    """A 401 is an error at once, with a hint at credentials and none of them in the message."""
    host.login = ("ada", "secret")
    index = PackageIndex(index_url=f"http://ada:wrong-secret@127.0.0.1:{host.port}/simple")

    with pytest.raises(PackageIndexError, match="netrc") as caught:
        fetcher(store, index).fetch(host.lock(packages.wheel("aa")))
    assert "wrong-secret" not in str(caught.value)


def test_local_files_are_taken(packages, host, store):
    """A wheel behind a ``file:`` URL is copied into the store."""
    wheel = packages.wheel("aa")

    (fetched,) = fetcher(store).fetch(relocated(host.lock(wheel), wheel.as_uri()))
    assert fetched.read_bytes() == wheel.read_bytes()
    assert fetched != wheel


def test_a_local_file_with_other_bytes_is_refused(packages, host, store):
    """A local wheel is verified like any other."""
    lock = relocated(host.lock(packages.wheel("aa")), packages.wheel("bb").as_uri())

    with pytest.raises(DigestMismatch, match=r"bb-1\.0"):
        fetcher(store).fetch(lock)


def test_a_local_file_of_another_machine_is_told(packages, host, store):
    """A lock that names a file which only the locking machine had says so."""
    lock = relocated(host.lock(packages.wheel("aa")), "file:aa-1.0-py3-none-any.whl")

    with pytest.raises(WheelUnavailable, match="machine that locked"):
        fetcher(store).fetch(lock)


def test_two_builds_at_once_fetch_once(packages, host, store):
    """Two fetchers that need the same wheel download it once, and both get it."""
    lock = host.lock(packages.wheel("aa", size=2_000_000), packages.wheel("bb", size=2_000_000))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda each: fetcher(each).fetch(lock), [store, Store(store.root)])
    assert first == second
    assert len(host.requests) == 2


def test_one_failure_ends_all_downloads(packages, host, store):
    """When one wheel cannot be had, the others are not waited for."""
    slow, gone = packages.wheel("aa", size=1_000_000), packages.wheel("bb")
    lock = host.lock(slow, gone)
    gone.unlink()
    host.faults.append(_stall)

    started = time.monotonic()
    with pytest.raises(WheelUnavailable):
        fetcher(store).fetch(lock)
    assert time.monotonic() - started < STALL_S / 2


def test_ctrl_c_leaves_a_store_that_goes_on(packages, host, store):
    """Ctrl-C in the middle of a download ends soon, publishes nothing, and the next run continues."""
    wheel = packages.wheel("aa", size=1_000_000)
    lock = host.lock(wheel)
    host.faults.append(_stall)
    (store.root).mkdir()
    (store.root / "pylock.toml").write_text(lock.pylock)

    with subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(store.root)], stderr=subprocess.PIPE, text=True
    ) as process:
        partial = store.partial(Digest.of_file(wheel))
        while not (partial.exists() and partial.stat().st_size) and process.poll() is None:
            time.sleep(0.01)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert time.monotonic() - interrupted < STALL_S / 2
    assert "KeyboardInterrupt" in said
    assert not (store.root / "blobs").exists()

    (fetched,) = fetcher(store).fetch(lock)
    assert fetched.read_bytes() == wheel.read_bytes()
    assert host.requests[-1][1] is not None


def test_a_lock_that_was_read_from_a_file_is_fetched(packages, host, store):
    """A canonical lock, written and read, leads to the same files."""
    lock = host.lock(packages.wheel("aa"))

    assert fetcher(store).fetch(pylock.read(lock.pylock, lock.python, lock.platform))


STALL_S = 120
"""Until a host that has sent half of a file goes on."""


def _stall(handler, content: bytes) -> bool:
    """Send half of a file, and then nothing until the client goes away."""
    handler.answer(200, content[: len(content) // 2], length=len(content))
    handler.wfile.flush()
    handler.connection.settimeout(STALL_S)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)
    return True


_FETCH = """
import sys
from pathlib import Path
from lading.environment import Platform, PythonMinor
from lading.locking import pylock
from lading.progress import Silent
from lading.store import Store
from lading.wheels.fetch import WheelFetcher
store = Store(Path(sys.argv[1]))
lock = pylock.read((store.root / "pylock.toml").read_text(), PythonMinor(3, 11), Platform("linux", "amd64"))
WheelFetcher(store, Silent()).fetch(lock)
"""


def test_offline_nobody_is_asked(packages, host, store):
    """What is in the store is taken; what is missing is named, and no host hears of it."""
    lock = host.lock(packages.wheel("aa"), packages.wheel("bb"))
    offline = dataclasses.replace(fetcher(store), is_offline=True)

    with pytest.raises(
        WheelUnavailable, match=r"aa-1\.0-py3-none-any\.whl \(and 1 others\) is not in the store"
    ):
        offline.fetch(lock)
    assert host.requests == []

    fetcher(store).fetch(lock)
    host.requests.clear()
    assert len(offline.fetch(lock)) == 2
    assert host.requests == []
