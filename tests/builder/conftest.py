"""Small packages, a package index on loopback that can misbehave, and a store of one's own."""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking import pylock
from lading.store import Store

from tests.builder.file_host import FileHandler, FileHost

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
class PackageHost(FileHost):
    """A simple index (PEP 503) beside the files of a folder."""

    login: tuple[str, str] | None = None
    """Who may read; None for everybody."""

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


class _Handler(FileHandler):
    def reply(self) -> None:
        """Answer with a page of the index or with a file."""
        host = cast("PackageHost", self.server.host)
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
        """Answer with a file, where there is one."""
        if self.command == "GET":
            self.server.host.requests.append((path.name, self.headers.get("Range")))
        if path.is_file():
            self.give(path.read_bytes())
        else:
            self.answer(404, b"")


@pytest.fixture
def host(packages) -> Iterator[PackageHost]:
    """A package host on loopback that has the files of *packages*."""
    host = PackageHost(packages.folder)
    with host.serving(_Handler):
        yield host


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def uv_cache(tmp_path, monkeypatch) -> None:
    """Give uv a cache that knows nothing of other tests' packages."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
