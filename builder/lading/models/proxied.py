"""Artifacts that a tracking server hands out itself (``mlflow-artifacts:`` URIs).

    GET <server>/api/2.0/mlflow-artifacts/artifacts?path=<folder>     a folder's entries
    GET <server>/api/2.0/mlflow-artifacts/artifacts/<file>            a file's bytes
    GET <server>/api/2.0/mlflow-artifacts/presigned/<file>            a URL of the storage behind it

A server with ``MLFLOW_ARTIFACTS_PRESIGNED_ONLY`` refuses the second and says so; then the third is asked.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from lading.errors import TrackingServerError
from lading.models.address import scrubbed, shown
from lading.models.artifacts import ArtifactFile, TransferInterrupted
from lading.models.server import Refusal, TrackingServer

API = "/api/2.0/mlflow-artifacts"
_MAX_DEPTH = 64
_CHUNK_BYTES = 1 << 20


def server_and_root(uri: str, tracking_uri: str) -> tuple[str, str]:
    """Return the base URL of the server that has an ``mlflow-artifacts:`` URI, and the root path there.

    The tracking server has those that name no host (``MlflowArtifactsRepository.resolve_uri``).
    """
    url, tracking = urlsplit(uri), urlsplit(tracking_uri)
    if tracking.scheme not in {"http", "https"}:
        raise TrackingServerError(
            f"{shown(uri)} is on a tracking server, and {shown(tracking_uri)} is none",
            hint="set MLFLOW_TRACKING_URI to the server's address",
        )
    base = urlunsplit((tracking.scheme, url.netloc or tracking.netloc, tracking.path, "", ""))
    return base.rstrip("/"), url.path.strip("/")


def split_proxied(uri: str) -> tuple[str, str] | None:
    """Return server and root of an ``http(s):`` URL of this API; None for other URLs."""
    url = urlsplit(uri)
    prefix, found, root = url.path.partition(f"{API}/artifacts")
    if not found:
        return None
    return urlunsplit((url.scheme, url.netloc, prefix, "", "")), root.strip("/")


@dataclass(frozen=True, slots=True)
class ProxiedTree:
    """A folder of artifacts behind a tracking server."""

    server: TrackingServer
    root: str

    def files(self) -> tuple[ArtifactFile, ...]:
        """Return all files; ``ArtifactTree`` tells the rest."""
        try:
            return tuple(self._files("", 0))
        except Refusal as refusal:
            if refusal.is_missing:
                return ()
            raise self._refused(refusal) from refusal
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TrackingServerError(
                f"tracking server {shown(self.server.url)} lists artifacts as MLflow does not"
            ) from error

    def _files(self, folder: str, depth: int) -> Iterator[ArtifactFile]:
        if depth > _MAX_DEPTH:
            raise TrackingServerError(f"folders of {shown(self.server.url)} lie deeper than {_MAX_DEPTH}")
        path = "/".join(part for part in (self.root, folder) if part)
        entries = self.server.get(f"{API}/artifacts", path=path).get("files", [])
        for entry in entries:
            name = str(entry["path"])
            below = f"{folder}/{name}" if folder else name
            if entry.get("is_dir"):
                yield from self._files(below, depth + 1)
            # Asked for a file, some storages list that file itself.
            elif folder or len(entries) > 1 or name != path.rpartition("/")[2]:
                yield ArtifactFile(below, int(entry["file_size"]) if "file_size" in entry else None)

    def copy(self, path: str, target: Path, moved: Callable[[int], None]) -> None:
        """Write one file, from the server or from where it sends us."""
        quoted = quote(f"{self.root}/{path}".strip("/"))
        try:
            _stream(self.server, f"{self.server.url}{API}/artifacts/{quoted}", {}, target, moved)
        except Refusal as refusal:
            if not refusal.content.get("artifacts_presigned_only"):
                raise self._refused(refusal) from refusal
            self._copy_from_storage(f"{API}/presigned/{quoted}", target, moved)

    def _copy_from_storage(self, path: str, target: Path, moved: Callable[[int], None]) -> None:
        try:
            answer = self.server.get(path)
            headers = {str(name): str(value) for name, value in dict(answer.get("headers") or {}).items()}
            storage = TrackingServer.storage(str(answer["url"]), self.server.settings)
            with storage.client:
                _stream(storage, storage.url, headers, target, moved)
        except Refusal as refusal:
            raise self._refused(refusal) from refusal
        except (KeyError, ValueError) as error:
            raise TrackingServerError(
                f"tracking server {shown(self.server.url)} gives no URL of its storage"
            ) from error

    def _refused(self, refusal: Refusal) -> TrackingServerError:
        return TrackingServerError(f"tracking server {shown(self.server.url)} gives no artifacts: {refusal}")


def _stream(
    server: TrackingServer, url: str, headers: Mapping[str, str], target: Path, moved: Callable[[int], None]
) -> None:
    """Write the bytes at *url* to *target*."""
    with server.open(url, headers) as response, target.open("wb") as file:
        try:
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                file.write(chunk)
                moved(len(chunk))
        except httpx.TransportError as error:
            raise TransferInterrupted(scrubbed(str(error))) from error
