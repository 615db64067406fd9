"""Files of a mirror that misbehaves."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest
from lading.debian.download import Downloader, open_client
from lading.debian.missing import Missing
from lading.digest import Digest
from lading.errors import ArchiveError, DigestMismatch

CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def url(host):
    """A file on the mirror."""
    path = host.folder / "debian" / "file"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return f"{host.address}/file"


@pytest.fixture
def downloader(store):
    """What fetches it, without waiting."""
    with open_client({}) as client:
        yield Downloader(store, client, first_wait_s=0.0001)


def break_off(handler, content):
    """Send half of a file and hang up."""
    handler.answer(200, content[: len(content) // 2], length=len(content))
    return True


def busy(handler, content):
    """Have no time."""
    handler.answer(503, b"")
    return True


def test_a_file_arrives_whole(downloader, url, store):
    """What was fetched is a blob of the store, and its bytes were told."""
    moved: list[int] = []

    path = downloader.fetch(url, Digest.of(CONTENT), moved.append)

    assert path.read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)


def test_builds_at_once_fetch_a_file_once(downloader, url, host):
    """Whoever comes second waits, and finds it in the store."""
    start = Barrier(4)

    def fetch(_):
        start.wait()
        return downloader.fetch(url, Digest.of(CONTENT))

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(fetch, range(4)))

    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert len(host.requests) == 1


def test_a_broken_download_goes_on_where_it_broke_off(downloader, url, host):
    """Only the rest is asked for, and counted."""
    host.faults.append(break_off)
    moved: list[int] = []

    downloader.fetch(url, Digest.of(CONTENT), moved.append)

    assert [wanted for _, wanted in host.requests] == [None, f"bytes={len(CONTENT) // 2}-"]
    assert sum(moved) == len(CONTENT)


def test_what_an_earlier_run_left_is_taken_up(downloader, url, host, store):
    """An interrupted build's bytes are not fetched again, and a whole file is not asked for at all."""
    digest = Digest.of(CONTENT)
    store.partial(digest).write_bytes(CONTENT[:1000])
    downloader.fetch(url, digest)
    store.path(digest).unlink()
    store.partial(digest).write_bytes(CONTENT)
    downloader.fetch(url, digest)

    assert [wanted for _, wanted in host.requests] == ["bytes=1000-"]


def test_what_is_left_of_another_file_is_fetched_again(downloader, url, host, store):
    """Both halves need not be of the same file."""
    digest = Digest.of(CONTENT)
    store.partial(digest).write_bytes(b"x" * 1000)

    assert downloader.fetch(url, digest).read_bytes() == CONTENT
    assert [wanted for _, wanted in host.requests] == ["bytes=1000-", None]


@pytest.mark.parametrize(("status", "headers"), [(416, {}), (206, {"Content-Range": "bytes 7-9/10"})])
def test_a_mirror_that_cannot_go_on_starts_over(downloader, url, host, store, status, headers):
    """A range that was not asked for is not believed."""

    def elsewhere(handler, content):
        handler.answer(status, b"x", headers)
        return True

    store.partial(Digest.of(CONTENT)).write_bytes(CONTENT[:1000])
    host.faults.append(elsewhere)

    assert downloader.fetch(url, Digest.of(CONTENT)).read_bytes() == CONTENT


def test_a_mirror_without_ranges_starts_over(downloader, url, host):
    """A whole answer to a question for the rest replaces what had arrived."""

    def whole(handler, content):
        handler.answer(200, content)
        return True

    host.faults += [break_off, whole]

    assert downloader.fetch(url, Digest.of(CONTENT)).read_bytes() == CONTENT


def test_other_bytes_are_refused_and_not_kept(downloader, url, store):
    """The error says which file, from where."""
    with pytest.raises(DigestMismatch, match=r"/debian/file from 127.0.0.1:\d+ is not what Debian signed"):
        downloader.fetch(url, Digest.of(b"other"))
    assert not store.partial(Digest.of(b"other")).exists()


def test_a_busy_mirror_is_asked_again(downloader, url, host):
    """Failures that pass are no failures."""
    host.faults += [busy, busy]

    assert downloader.read(url) == CONTENT


def test_a_mirror_that_stays_busy_is_given_up(downloader, url, host):
    """The error says what it answered, and what to set."""
    host.faults += [busy] * 4

    with pytest.raises(ArchiveError, match=r"it answers 503 .*set LADING_DEBIAN_MIRROR"):
        downloader.read(url)
    assert len(host.requests) == 4


def test_a_missing_file_is_not_asked_for_again(downloader, url, host):
    """404 does not pass."""
    with pytest.raises(Missing, match="has no /debian/file/nothing: 404"):
        downloader.fetch(f"{url}/nothing", Digest.of(b""))
    assert len(host.requests) == 1


def test_a_refusal_is_an_error(downloader, url, host):
    """403 is of the archive's, not of the file's."""

    def refuse(handler, content):
        handler.answer(403, b"")
        return True

    host.faults.append(refuse)

    with pytest.raises(ArchiveError, match="refuses to give file: 403"):
        downloader.read(url)


def test_a_release_without_end_is_refused(downloader, url, host, monkeypatch):
    """Files whose size nobody signed are read up to a limit."""
    monkeypatch.setattr("lading.debian.download._MAX_INDEX_BYTES", 1000)

    with pytest.raises(ArchiveError, match="file has more than 1000 bytes"):
        downloader.read(url)


def test_a_host_that_is_not_there_is_named(downloader, host):
    """Nothing listens, the error says where."""
    with pytest.raises(ArchiveError, match=r"cannot fetch file from 127.0.0.1:9"):
        downloader.read("http://127.0.0.1:9/file")


def test_an_untrusted_certificate_is_no_passing_failure(store):
    """It is said at once, with what to set."""

    def refuse(request):
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")

    client = httpx.Client(transport=httpx.MockTransport(refuse))

    with pytest.raises(ArchiveError, match=r"example\.org is not trusted: .*; set SSL_CERT_FILE"):
        Downloader(store, client).read("https://user:secret@example.org/x")


def test_requests_go_through_apts_proxy(host, url):
    """The proxy that apt uses for http is used; hosts that it reaches directly are reached so."""
    with open_client({"http": f"http://127.0.0.1:{host.port}", "http://127.0.0.1": "DIRECT"}) as client:
        proxied = client.get("http://archive.example.org/debian/file")
        direct = client.get(url)

    assert [direct.status_code, proxied.status_code] == [200, 404]
    assert host.requests[0][0] == "http://archive.example.org/debian/file"
