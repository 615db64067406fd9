"""A small archive over HTTP on loopback, which can misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lading.debian.archive import Archive
from lading.debian.download import Downloader, open_client
from lading.debian.mirror import Mirror
from lading.debian.signature import Keyring
from lading.progress import Silent

from tests.builder.debian.small_archive import BASE, NOW, Key, SmallArchive
from tests.builder.file_host import FileHandler, FileHost


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


class MirrorHost(FileHost):
    """A mirror on loopback."""

    @property
    def address(self) -> str:
        """Of the main archive."""
        return f"http://127.0.0.1:{self.port}/debian"


class _Handler(FileHandler):
    def reply(self) -> None:
        """Answer with a file."""
        host = self.server.host
        host.requests.append((self.path, self.headers.get("Range")))
        path = host.folder / self.path.lstrip("/")
        if path.is_file():
            self.give(path.read_bytes())
        else:
            self.answer(404, b"")


@pytest.fixture
def host(tmp_path) -> Iterator[MirrorHost]:
    """A mirror of the folder ``archive``."""
    host = MirrorHost(tmp_path / "archive")
    with host.serving(_Handler):
        yield host


@pytest.fixture
def archive(small, host, store, key) -> Iterator[Archive]:
    """The small archive as a client sees it."""
    mirror = Mirror({"debian": host.address, "debian-security": f"{host.address}-security"})
    with open_client({}) as client:
        downloader = Downloader(store, client, first_wait_s=0.001)
        yield Archive(mirror, Keyring(key.ring), downloader, Silent(), now=lambda: NOW)
