"""What Lading keeps between builds: bytes under their digest, and small entries under a key.

    <root>/blobs/sha256/<aa>/<hex>      bytes whose SHA-256 is their name
    <root>/entries/<kind>/<aa>/<hex>    small values under the SHA-256 of a key
    <root>/verified/<aa>/<hex>          how a blob looked when it was hashed
    <root>/partial/<hex>                downloads that were interrupted; the next one goes on with them
    <root>/temporary/                   files that are being written
    <root>/locks/                       who does what at the moment

Nothing appears under a final name before it is complete: it is written beside, flushed to the disk
and renamed, in one file system. Two builds may write the same blob at once, because both write the
same bytes. The file's data is flushed (``fsync``) before the rename, the folder is not: after a power
failure a blob is either whole or missing, and a missing one is fetched again.

Nothing is believed either: whoever asks for a blob that may have changed since it was hashed gets it hashed
anew (about 1 GB/s per core), and a blob that is not what its name says is removed, so that it is fetched
again.
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Self

import platformdirs

from lading.digest import Digest
from lading.errors import DigestMismatch, StoreError
from lading.verified import Verified, touch

_CHUNK_BYTES = 1 << 20

_PERMISSIONS = 0o444
"""Blobs are read only: a hard link to one must not become a way to change it."""

_HINTS = {
    errno.ENOSPC: "free some space, or set LADING_CACHE_DIR to another disk",
    errno.EDQUOT: "free some space, or set LADING_CACHE_DIR to another disk",
    errno.ENOTDIR: "set LADING_CACHE_DIR to a folder",
    errno.EROFS: "set LADING_CACHE_DIR to a writable folder",
    errno.EACCES: "set LADING_CACHE_DIR to a folder of yours",
    errno.EPERM: "set LADING_CACHE_DIR to a folder of yours",
}


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of verified bytes, safe for several builds at once."""

    root: Path

    @classmethod
    def default(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the store in ``$LADING_CACHE_DIR``, or in the platform's folder for caches."""
        chosen = environ.get("LADING_CACHE_DIR")
        return cls(Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("lading"))

    @property
    def verified(self) -> Verified:
        """Which blobs were hashed and have not changed since."""
        return Verified(self.root / "verified")

    def path(self, digest: Digest) -> Path:
        """Return where the blob of *digest* is, or would be."""
        return self.root / "blobs" / "sha256" / digest.hex[:2] / digest.hex

    def find(self, digest: Digest) -> Path | None:
        """Return the blob of *digest*, verified; None where it is missing or was damaged.

        Raises:
            StoreError: the store cannot be read.
        """
        path = self.path(digest)
        with store_errors("read", path):
            if not path.is_file():
                return None
            if self.verified.is_whole(path, digest):
                return path
            path.unlink(missing_ok=True)
        return None

    def add(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """Write *chunks* as one blob; return its digest.

        Raises:
            DigestMismatch: the bytes are not those of *expected*; nothing is kept.
            StoreError: the disk is full, or the store cannot be written.
        """
        sha256 = hashlib.sha256()
        with self.temporary() as (file, path):
            for chunk in chunks:
                sha256.update(chunk)
                file.write(chunk)
            digest = Digest(sha256.hexdigest())
            if expected is not None and digest != expected:
                raise DigestMismatch(f"expected {expected}, got {digest}")
            flush(file)
            self._publish(path, self.path(digest))
        return digest

    def add_file(self, source: Path, expected: Digest | None = None) -> Digest:
        """Copy the file *source* into the store; return its digest.

        Raises:
            DigestMismatch: the file is not the one of *expected*.
            StoreError: *source* cannot be read, or the store cannot be written.
        """
        with store_errors("read", source), source.open("rb") as file:
            return self.add(iter(lambda: file.read(_CHUNK_BYTES), b""), expected)

    def adopt(self, path: Path, digest: Digest) -> Path:
        """Move *path*, a complete file under this root that was just verified, to its place as a blob."""
        with store_errors("write", path):
            self._publish(path, self.path(digest))
        return self.path(digest)

    def named(self, digest: Digest, name: str) -> Path:
        """Return the blob of *digest* under a file name, for programs that read names.

        It is a hard link where the file system has them, else a copy.
        """
        blob, link = self.path(digest), self.root / "named" / digest.hex[:2] / digest.hex / name
        with store_errors("write", link):
            if link.exists() and link.samefile(blob):
                return link
            with self.temporary() as (_, temporary):
                _link_or_copy(blob, temporary)
                self._publish(temporary, link)
        return link

    def partial(self, digest: Digest) -> Path:
        """Return where an unfinished download of *digest* is kept."""
        path = self.root / "partial" / digest.hex
        with store_errors("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def read_entry(self, kind: str, key: str) -> bytes | None:
        """Return the value under *key*; None where it is missing or was damaged."""
        path = self._entry(kind, key)
        with store_errors("read", path):
            try:
                checksum, _, value = path.read_bytes().partition(b"\n")
            except FileNotFoundError:
                return None
            touch(path)
        return value if checksum == str(Digest.of(value)).encode() else None

    def write_entry(self, kind: str, key: str, value: bytes) -> None:
        """Keep *value* under *key*, in place of what was there.

        Raises:
            StoreError: the store cannot be written.
        """
        self._write_entry(self._entry(kind, key), value)

    def restore_entry(self, name: str, value: bytes) -> None:
        """Keep *value* as the entry with the path *name*, ``entries/<kind>/<aa>/<hex>``.

        Raises:
            StoreError: the store cannot be written.
        """
        self._write_entry(self.root / name, value)

    @contextmanager
    def exclusive(
        self,
        name: str,
        *,
        on_wait: Callable[[], None] = lambda: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[None]:
        """Let one process, and one thread of it, at a time do what *name* says.

        Args:
            name: a file name.
            on_wait: called once when somebody else is at it.
            is_cancelled: asked while waiting; when true, ``TimeoutError`` is raised.
        """
        path = self.root / "locks" / f"{name}.lock"
        with store_errors("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # takes a twentieth of a start to import, and builds that only look things up need no lock
            lock = import_module("lading.file_lock").acquired(path, on_wait, is_cancelled)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def temporary(self) -> Iterator[tuple[BinaryIO, Path]]:
        """Give a new file in the store's file system; it is gone afterwards, unless it was moved."""
        folder = self.root / "temporary"
        with store_errors("write", folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file, Path(name)
            finally:
                Path(name).unlink(missing_ok=True)

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """Give a new folder in the store's file system; it is gone afterwards."""
        folder = self.root / "temporary"
        with store_errors("write", folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as made:
                yield Path(made)

    def _write_entry(self, target: Path, value: bytes) -> None:
        with self.temporary() as (file, path):
            file.write(f"{Digest.of(value)}\n".encode() + value)
            flush(file)
            self._publish(path, target)

    def _entry(self, kind: str, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.root / "entries" / kind / name[:2] / name

    def _publish(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(_PERMISSIONS)
        source.replace(target)


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk, before the file gets its final name."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def store_errors(verb: str, path: Path) -> Iterator[None]:
    """Turn failures of the file system into errors that say what to do.

    Raises:
        StoreError: *path* cannot be read or written.
    """
    try:
        yield
    except TimeoutError:  # waiting was given up; nothing is wrong with the file system
        raise
    except OSError as error:
        hint = _HINTS.get(error.errno or 0)
        reason = error.strerror or str(error)
        raise StoreError(f"cannot {verb} {str(path)!r}: {reason.lower()}", hint=hint) from error


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink()
    try:
        target.hardlink_to(source)
    except OSError:  # this file system has no hard links
        target.write_bytes(source.read_bytes())
