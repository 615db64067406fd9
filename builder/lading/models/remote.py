"""Artifacts in storage that fsspec reaches: S3, Google Cloud, Azure, plain HTTP, SFTP and more.

Each cloud's package is an extra of Lading's, imported when a URL first asks for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import fsspec  # type: ignore[import-untyped]
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from lading.errors import TrackingServerError
from lading.models.address import joined, scheme_of, scrubbed, shown
from lading.models.artifacts import ArtifactFile, Cancelled, TransferInterrupted
from lading.models.tracking import TrackingSettings

_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "abfs": "abfs",
    "abfss": "abfs",
    "az": "abfs",
    "wasbs": "abfs",
    "http": "http",
    "https": "http",
}
"""Schemes, and the extra of Lading's that brings what they need."""

_OTHERS = {"ftp", "sftp", "hdfs", "memory"}
"""Schemes that need no extra, or a package that fsspec names."""


def is_reachable(uri: str) -> bool:
    """Return whether fsspec is the way to *uri*."""
    return scheme_of(uri) in _EXTRAS or scheme_of(uri) in _OTHERS


@dataclass(frozen=True, slots=True)
class FsspecTree:
    """A folder behind a URL."""

    uri: str
    filesystem: Any
    """fsspec's; its types are not told."""

    root: str
    """The folder, as the file system calls it."""

    @classmethod
    def open(cls, uri: str, settings: TrackingSettings) -> "FsspecTree":
        """Return the folder at *uri*; nothing is asked yet.

        Raises:
            TrackingServerError: a package for this scheme is missing; says which extra to install.
        """
        scheme = scheme_of(uri)
        # adlfs has one name for all of Azure's URLs.
        address = f"abfs{uri[len(scheme) :]}" if _EXTRAS.get(scheme) == "abfs" else uri
        try:
            filesystem, root = fsspec.core.url_to_fs(address, **_options(scheme, settings))
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            raise TrackingServerError(
                f"{shown(uri)} needs a package that is not installed",
                hint=f"pip install 'lading[{extra}]'" if extra else scrubbed(str(error)),
            ) from error
        except Exception as error:
            raise _unreadable(uri, error) from error
        return cls(uri, filesystem, root.rstrip("/"))

    def files(self) -> tuple[ArtifactFile, ...]:
        """Return all files; ``ArtifactTree`` tells the rest."""
        is_web = scheme_of(self.uri) in {"http", "https"}
        try:
            # fsspec takes a web server that cannot be reached for an empty one, unless it is told to raise.
            found = (
                self.filesystem.find(f"{self.root}/", detail=True, on_error="raise")
                if is_web
                else self.filesystem.find(self.root, detail=True)
            )
        except FileNotFoundError:
            return ()
        except Exception as error:
            raise _unreadable(self.uri, error) from error
        files = [(path[len(self.root) :].lstrip("/"), info.get("size")) for path, info in found.items()]
        # A web server's list of a folder also links to itself, sorted otherwise.
        return tuple(
            ArtifactFile(unquote(path) if is_web else path, size)
            for path, size in files
            if path and not (is_web and ("?" in path or "#" in path))
        )

    def copy(self, path: str, target: Path, moved: Callable[[int], None]) -> None:
        """Write one file."""
        is_web = scheme_of(self.uri) in {"http", "https"}
        remote = f"{self.root}/{quote(path) if is_web else path}"
        try:
            self.filesystem.get_file(remote, str(target), callback=_Told(moved))
        except Cancelled:
            raise
        except FileNotFoundError as error:
            raise _unreadable(joined(self.uri, path), error) from error
        except Exception as error:
            raise TransferInterrupted(scrubbed(str(error)) or type(error).__name__) from error


class _Told(Callback):  # type: ignore[misc]  # fsspec has no types
    """Tells bytes as fsspec moves them."""

    def __init__(self, moved: Callable[[int], None]) -> None:
        super().__init__()
        self._moved = moved

    def relative_update(self, inc: int = 1) -> None:
        """Tell *inc* more bytes."""
        self._moved(inc)


def _options(scheme: str, settings: TrackingSettings) -> dict[str, Any]:
    """Return what fsspec is told beside the URL; credentials it finds itself, as each cloud's tools do."""
    fresh: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    match _EXTRAS.get(scheme):
        case "s3":
            endpoint = {"endpoint_url": settings.s3_endpoint_url} if settings.s3_endpoint_url else {}
            tls = {} if settings.is_s3_tls_verified else {"verify": False}
            return {**fresh, "client_kwargs": {**endpoint, **tls}}
        case "http":
            return {**fresh, "client_kwargs": {"trust_env": True}}  # HTTPS_PROXY and NO_PROXY
        case _:
            return fresh


def _unreadable(uri: str, error: Exception) -> TrackingServerError:
    return TrackingServerError(f"{shown(uri)} cannot be read: {scrubbed(str(error)) or type(error).__name__}")
