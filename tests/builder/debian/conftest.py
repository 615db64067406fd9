"""A small archive over HTTP on loopback, which can misbehave."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lading.debian.archive import Archive
from lading.debian.download import Downloader, open_client
from lading.debian.mirror import Mirror
from lading.debian.signature import Keyring
from lading.progress import Silent

from tests.builder.debian.small_archive import BASE, NOW, Key, SmallArchive


@pytest.fixture(scope="session")
def key(tmp_path_factory) -> Iterator[Key]:
    """The archive's key."""
    made = Key.make(tmp_path_factory.mktemp("gpg", numbered=True) / "home")
    yield made
    made.close()


@pytest.fixture(scope="session")
def debs(tmp_path_factory) -> dict[str, Path]:
    """The packages of a base, built once."""
    folder = tmp_path_factory.mktemp("debs")
    return {recipe.name: recipe.build(folder) for recipe in BASE}


@pytest.fixture
def small(tmp_path, key, debs) -> SmallArchive:
    """An archive whose three suites have a base; the last two are empty."""
    archive = SmallArchive(tmp_path / "archive", key, debs)
    archive.add("debian", "testing", list(debs.values()))
    archive.add("debian", "testing-updates", [])
    archive.add("debian-security", "testing-security", [])
    return archive


@dataclass
class Host:
    """A mirror on loopback."""

    folder: Path
    port: int = 0

    faults: list[Callable[["_Handler", bytes], bool]] = field(default_factory=list)
    """Each is used for one request, in order; true when it has answered."""

    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request."""

    @property
    def address(self) -> str:
        """Of the main archive."""
        return f"http://127.0.0.1:{self.port}/debian"


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer with a file, unless a fault is due."""
        host, wanted = self.server.host, self.headers.get("Range")
        host.requests.append((self.path, wanted))
        path = host.folder / self.path.lstrip("/")
        content = path.read_bytes() if path.is_file() else None
        if host.faults and host.faults.pop(0)(self, content or b""):
            return
        if content is None:
            self.answer(404, b"")
        elif wanted:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            rest = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.answer(206, content[start:], rest)
        else:
            self.answer(200, content)

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, length: int | None = None
    ) -> None:
        """Send a whole response; *length* says another length than the body has."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: Host) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = host
        host.port = self.server_port

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client goes away."""


@pytest.fixture
def host(tmp_path) -> Iterator[Host]:
    """A mirror of the folder ``archive``."""
    host = Host(tmp_path / "archive")
    with _Server(host) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield host
        server.shutdown()
        thread.join()


@pytest.fixture
def archive(small, host, store, key) -> Iterator[Archive]:
    """The small archive as a client sees it."""
    mirror = Mirror({"debian": host.address, "debian-security": f"{host.address}-security"})
    with open_client({}) as client:
        downloader = Downloader(store, client, first_wait_s=0.001)
        yield Archive(mirror, Keyring(key.ring), downloader, Silent(), now=lambda: NOW)
