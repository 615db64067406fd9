"""Small packages, a package index on loopback that can misbehave, and a store of one's own."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking import pylock
from lading.store import Store

LINUX = Platform("linux", "amd64")
PYTHON = PythonMinor(3, 11)

_BACKEND = """
import os, sys, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if os.path.exists("broken"):
        raise SystemExit("error: command 'gcc' failed: No such file or directory")
    name = "{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("{name}.py", f"built_with = {{sys.version_info[:2]}}\\n")
        info = "{name}-{version}.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        about = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", about)
        wheel.writestr(info + "RECORD", "")
    return name
"""

_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "{version}"
"""


@dataclass(frozen=True)
class Packages:
    """A folder of package files that a test makes."""

    folder: Path

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: tuple[str, ...] = (),
        tag: str = "py3-none-any",
        size: int = 0,
    ) -> Path:
        """Make a wheel with a module of its name, and with *size* bytes that do not compress."""
        path = self.folder / f"{name}-{version}-{tag}.whl"
        info = f"{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
        files = {
            f"{name}.py": f"version = {version!r}\n".encode(),
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
            **({f"{name}.bin": hashlib.shake_128(name.encode()).digest(size)} if size else {}),
        }
        record = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as archive:
            for each, content in {**files, f"{info}/RECORD": record.encode()}.items():
                archive.writestr(zipfile.ZipInfo(each), content)
        return path

    def source(self, name: str, version: str = "1.0", *, is_broken: bool = False) -> dict[str, bytes]:
        """Return the files of a project that builds without any other package."""
        texts = {
            "pyproject.toml": _PYPROJECT.format(name=name, version=version),
            "backend.py": _BACKEND.format(name=name, version=version),
            "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
            **({"broken": ""} if is_broken else {}),
        }
        return {each: text.encode() for each, text in texts.items()}

    def sdist(self, name: str, version: str = "1.0", *, is_broken: bool = False, below: str = "") -> Path:
        """Make a source archive, its project in the folder *below* of it."""
        path = self.folder / f"{name}-{version}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for each, content in self.source(name, version, is_broken=is_broken).items():
                member = tarfile.TarInfo(f"{name}-{version}/{below}{each}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path


@pytest.fixture
def packages(tmp_path) -> Packages:
    """A folder for package files."""
    (tmp_path / "packages").mkdir()
    return Packages(tmp_path / "packages")


@dataclass
class PackageHost:
    """A simple index (PEP 503) and the files of a folder, over HTTP on loopback."""

    folder: Path
    port: int = 0

    login: tuple[str, str] | None = None
    """Who may read; None for everybody."""

    has_ranges: bool = True
    """Whether it continues files where the client asks for it."""

    faults: list[Callable[["_Handler", bytes], bool]] = field(default_factory=list)
    """Each is used for one request of a file, in order; true when it has answered."""

    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request of a file."""

    @property
    def index(self) -> str:
        """The URL of the index."""
        return f"http://127.0.0.1:{self.port}/simple"

    def url(self, file: str) -> str:
        """Return the URL of a file of the folder."""
        return f"http://127.0.0.1:{self.port}/files/{file}"

    def lock(self, *wheels: Path) -> Lock:
        """Return a lock of wheels that this host has."""
        locked = tuple(
            LockedPackage(
                each.name.split("-")[0],
                each.name.split("-")[1],
                WheelSource(each.name, self.url(each.name), Digest.of_file(each), each.stat().st_size),
            )
            for each in sorted(wheels)
        )
        return Lock(PYTHON, LINUX, locked, pylock.render(PYTHON, LINUX, locked))


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        """Answer as to GET, without a body."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer with a page of the index or with a file."""
        host = self.server.host
        if host.login is not None:
            expected = "Basic " + base64.b64encode(":".join(host.login).encode()).decode()
            if self.headers.get("Authorization") != expected:
                self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="packages"'})
                return
        _, kind, name, *_ = [*self.path.split("/"), ""]
        if kind == "simple":
            self.page(name)
        else:
            self.file(host.folder / name)

    def page(self, project: str) -> None:
        """Answer with the files of a project."""
        files = [
            each for each in sorted(self.server.host.folder.iterdir()) if each.name.split("-")[0] == project
        ]
        links = "".join(
            f'<a href="/files/{each.name}#sha256={Digest.of_file(each).hex}">{each.name}</a>'
            for each in files
        )
        self.answer(
            200 if files else 404,
            f"<html><body>{links}</body></html>".encode(),
            {"Content-Type": "text/html"},
        )

    def file(self, path: Path) -> None:
        """Answer with a file, unless a fault is due."""
        host, wanted = self.server.host, self.headers.get("Range")
        if self.command == "GET":
            host.requests.append((path.name, wanted))
        if not path.is_file():
            self.answer(404, b"")
            return
        content = path.read_bytes()
        if host.faults and host.faults.pop(0)(self, content):
            return
        if wanted and host.has_ranges:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            rest = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.answer(206, content[start:], rest)
            return
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
        if self.command == "GET":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    """Serves a package host, each request in a thread."""

    daemon_threads = True

    def __init__(self, host: PackageHost) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = host
        host.port = self.server_port

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client goes away."""


@pytest.fixture
def host(packages) -> Iterator[PackageHost]:
    """A package host on loopback that has the files of *packages*."""
    host = PackageHost(packages.folder)
    with _Server(host) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield host
        server.shutdown()
        thread.join()


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def uv_cache(tmp_path, monkeypatch) -> None:
    """Give uv a cache that knows nothing of other tests' packages."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
