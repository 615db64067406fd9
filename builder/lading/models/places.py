"""The stores and folders that one fetch works with: which is which, opened when first asked for."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from lading.errors import TrackingServerError
from lading.models.address import local_path, scheme_of, shown
from lading.models.artifacts import ArtifactTree, LocalTree
from lading.models.database import DatabaseStore, database_path
from lading.models.file_store import FileStore
from lading.models.proxied import ProxiedTree, server_and_root, split_proxied
from lading.models.remote import FsspecTree, is_reachable
from lading.models.rest import RestStore
from lading.models.server import TrackingServer
from lading.models.store import ModelStore
from lading.models.tracking import TrackingSettings

_DEFAULT_WORKSPACE = "default"


class NotReadable(Exception):
    """Only an installed mlflow can read this."""


@dataclass(slots=True)
class Places:
    """A context that closes every connection that was made in it."""

    settings: TrackingSettings
    _closing: ExitStack = field(default_factory=ExitStack)
    _servers: dict[str, TrackingServer] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def tracking(self) -> ModelStore:
        """The store of runs and logged models; raises NotReadable for one of a kind not known here."""
        return self._store(self.settings.tracking_uri)

    @property
    def registry(self) -> ModelStore:
        """The store of registered models; raises NotReadable as ``tracking`` does."""
        return self._store(self.settings.registry_uri)

    def tree(self, uri: str) -> ArtifactTree:
        """Return the folder of files at *uri*; raises NotReadable where there is no way to it."""
        folder = self._local(uri)
        if folder is not None:
            return LocalTree(folder)
        match scheme_of(uri):
            case "mlflow-artifacts":
                server, root = server_and_root(uri, self.settings.tracking_uri)
                return ProxiedTree(self._server(server), root)
            case "http" | "https" if proxied := split_proxied(uri):
                return ProxiedTree(self._server(proxied[0]), proxied[1])
            case _ if is_reachable(uri):
                return FsspecTree.open(uri, self.settings)
            case _:
                raise NotReadable(uri)

    def _store(self, uri: str) -> ModelStore:
        scheme = scheme_of(uri)
        if scheme in {"http", "https"}:
            return RestStore(self._server(uri))
        if scheme.partition("+")[0] == "sqlite":
            path = database_path(uri, self.settings.folder)
            return DatabaseStore(path, self.settings.workspace or _DEFAULT_WORKSPACE)
        folder = local_path(uri, self.settings.folder)
        if folder is None or uri in {"databricks", "databricks-uc", "uc"}:
            raise NotReadable(uri)
        return FileStore(folder)

    def _server(self, url: str) -> TrackingServer:
        if self.settings.request_auth is not None:
            raise NotReadable(url)
        if url not in self._servers:
            server = TrackingServer.connect(url, self.settings)
            self._servers[url] = server
            self._closing.enter_context(server.client)
        return self._servers[url]

    def _local(self, uri: str) -> Path | None:
        """Return the path of a local URI; a relative one counts from the working folder or the database's."""
        tracking = self.settings.tracking_uri
        is_database = scheme_of(tracking).partition("+")[0] == "sqlite"
        folder = self.settings.folder
        beside = database_path(tracking, folder).parent if is_database else folder
        here, there = local_path(uri, folder), local_path(uri, beside)
        return there if here is not None and not here.exists() else here

    def why_missing(self, uri: str) -> TrackingServerError | None:
        """Return what is wrong where a tracking server names a folder of its own machine."""
        is_remote = scheme_of(self.settings.tracking_uri) in {"http", "https"}
        if is_remote and local_path(uri, self.settings.folder) is not None:
            return TrackingServerError(
                f"the model is at {shown(uri)} on the machine of {shown(self.settings.tracking_uri)}",
                hint="start the server with --serve-artifacts, or share that folder",
            )
        return None
