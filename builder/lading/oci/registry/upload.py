"""Brings one blob into a repository, and goes on where a connection broke.

A blob goes up in one request, as that works with every registry. When that breaks, the registry is asked
how much it has (``GET`` of the upload, answered with ``Range``), and gets the rest; a registry that does
not know is given the whole in a new upload, never from byte 0 in the old one, which Amazon ECR refuses.
When something on the way finds the request too large (413), all blobs for this registry go up in parts.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from lading.digest import Digest
from lading.errors import DigestMismatch, RegistryError
from lading.oci.blob import Blob
from lading.oci.descriptor import Descriptor
from lading.oci.registry.host import Reply
from lading.oci.registry.patience import Passing
from lading.oci.registry.problems import Refused
from lading.oci.registry.remote_blob import RegistryBlob
from lading.oci.registry.repository import Repository
from lading.oci.registry.transport import CHUNK_BYTES, Body

_LARGEST_PART_BYTES = 8 << 20
_SMALLEST_PART_BYTES = 1 << 20
"""Storage like S3 wants parts of 5 MiB; a proxy that takes less is before one that takes less."""

_REST_BYTES = 256 << 20
_NO_CONTENT, _NOT_FOUND, _TOO_LARGE, _NO_RANGE = 204, 404, 413, 416
_TAKEN = frozenset({200, 201, 202, 204})
"""Amazon ECR answers 201 to a part where the specification has 202."""

_LOST = frozenset({400, _NOT_FOUND, _NO_RANGE})
_LOST_CODES = frozenset({"BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "SIZE_INVALID"})
"""The registry does not know the upload any more, or disagrees about what it holds."""


class Cancelled(Exception):
    """Another blob failed: this one is not wanted any more."""


@dataclass(slots=True)
class Upload:
    """One blob on its way up."""

    repository: Repository
    descriptor: Descriptor
    blob: Blob
    moved: Callable[[int], None]
    stop: Event

    location: str | None = None
    """Where the registry wants the next bytes; None where there is no upload yet."""

    confirmed_bytes: int = 0
    """That the registry has."""

    _shown_bytes: int = 0
    _least_part_bytes: int = field(default=0)

    def run(self) -> None:
        """Upload the blob.

        Raises:
            DigestMismatch: the blob is not what its descriptor says.
            RegistryError: the registry does not take it.
            Cancelled: ``stop`` was set.
        """
        tries = self.repository.host.patience.start(self.stop)
        while True:
            before = self.confirmed_bytes
            try:
                self._attempt()
            except Passing as failure:
                self._require_wanted()
                if self._recovered():
                    return
                if self.confirmed_bytes > before:
                    tries.advanced()
                try:
                    tries.failed(failure)
                except Passing:
                    self._abort()
                    what = f"the blob {self.descriptor.digest}"
                    raise self.repository.host.gave_up(what, self.repository.path, failure) from failure
            except (Cancelled, RegistryError, DigestMismatch):
                self._abort()
                raise
            else:
                return

    def _attempt(self) -> None:
        """Send what is missing.

        Raises:
            Passing: it did not get through.
        """
        if self.location is None:
            self.continue_at(self.repository.start_upload(self.descriptor))
            self._show(0)
        try:
            self._send_rest()
        except Refused as error:
            if error.status == _TOO_LARGE and self._shrink_parts():
                raise Passing("it takes only smaller parts", wait_s=0) from error
            if error.status in {_NOT_FOUND, _NO_RANGE} or error.codes & _LOST_CODES:
                self._forget()
                raise Passing(error.message, meaning=error) from error
            raise
        except DigestMismatch as error:
            self._forget()
            if isinstance(self.blob, RegistryBlob):  # it changed on its way to us; it may not the next time
                raise Passing(error.message, wait_s=0, meaning=error) from error
            raise

    def _send_rest(self) -> None:
        part_bytes = self.repository.host.chunk_bytes
        if part_bytes is None and self.confirmed_bytes == 0:
            self._close(self._body(0, self.descriptor.size_bytes))
            return
        part_bytes = max(part_bytes or _REST_BYTES, self._least_part_bytes)
        while self.confirmed_bytes < self.descriptor.size_bytes:
            self._send_part(part_bytes)
        self._close(Body.of(b""))

    def _send_part(self, part_bytes: int) -> None:
        start = self.confirmed_bytes
        end = min(start + part_bytes, self.descriptor.size_bytes)
        headers = {"Content-Range": f"{start}-{end - 1}", "Content-Type": "application/octet-stream"}
        reply = self._tell("PATCH", self._location(), headers, self._body(start, end))
        self.continue_at(reply)
        has_bytes = _end_of(reply)
        is_told = has_bytes is not None and end > 1  # 0-0 may be one byte
        self.confirmed_bytes = min(has_bytes or 0, end) if is_told else end
        if self.confirmed_bytes <= start:
            self._forget()
            raise Passing(f"it kept nothing of the part from byte {start} on")
        self._show(self.confirmed_bytes)

    def _close(self, body: Body) -> None:
        location = self._location()
        url = f"{location}{'&' if '?' in location else '?'}digest={self.descriptor.digest}"
        reply = self._tell("PUT", url, {"Content-Type": "application/octet-stream"}, body)
        stored = reply.headers.get("docker-content-digest")
        if stored is not None and stored.startswith("sha256:") and stored != str(self.descriptor.digest):
            self._forget()
            raise Passing(f"it stored {stored} instead")
        self._show(self.descriptor.size_bytes)

    def _tell(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Reply:
        what = f"the blob {self.descriptor.digest}"
        ask = self.repository.ask(what, method, url, _TAKEN, headers=headers, body=body)
        return self.repository.host.ask_once(ask)

    def _recovered(self) -> bool:
        """Find out how far the registry is after a failure; return whether it has the whole blob."""
        self._show(self.confirmed_bytes)
        if self.location is None:
            return False
        try:
            ask = self.repository.ask("the upload", "GET", self.location, frozenset({_NO_CONTENT, *_LOST}))
            reply = self.repository.host.ask_once(ask)
            self.confirmed_bytes = 0
            if reply.status == _NO_CONTENT:
                self.continue_at(reply)
                self.confirmed_bytes = min(_end_of(reply) or 0, self.descriptor.size_bytes)
            if self.confirmed_bytes > 0:
                self._show(self.confirmed_bytes)
                return False
            self._forget()
            return self.repository.has_blob(self.descriptor)
        except (Passing, RegistryError):  # the failure itself is what counts
            self._forget()
            return False

    def _shrink_parts(self) -> bool:
        """Agree with the host on smaller parts; return whether there are any."""
        host = self.repository.host
        wanted = _LARGEST_PART_BYTES if host.chunk_bytes is None else host.chunk_bytes // 2
        if wanted < max(_SMALLEST_PART_BYTES, self._least_part_bytes):
            return False
        host.chunk_bytes = wanted
        return True

    def _body(self, start: int, end: int) -> Body:
        return Body(end - start, lambda: self._bytes(start, end))

    def _bytes(self, start: int, end: int) -> Iterator[bytes]:
        """Yield a stretch of the blob; one that is not what its descriptor says never gets through whole."""
        sha256, position = hashlib.sha256(), start
        self._show(start)
        for chunk in self.blob.chunks(start):
            for piece in _pieces(chunk[: end - position]):
                self._require_wanted()
                position += len(piece)
                if start == 0:
                    sha256.update(piece)
                if position == self.descriptor.size_bytes and start == 0:
                    self._require(Digest(sha256.hexdigest()) == self.descriptor.digest)
                self._show(position)
                yield piece
            if position >= end:
                break
        self._require(position == end)

    def _require_wanted(self) -> None:
        if self.stop.is_set():
            raise Cancelled

    def _require(self, is_right: bool) -> None:  # noqa: FBT001 - an assertion
        if not is_right:
            raise DigestMismatch(
                f"the blob {self.descriptor.digest} for {self.repository} has not what it should have",
                hint="it was changed after it was made; build again",
            )

    def _location(self) -> str:
        assert self.location is not None  # noqa: S101 - an upload was started
        return self.location

    def continue_at(self, reply: Reply) -> None:
        """Take the registry's word for where the next bytes go, exactly as it says."""
        location = reply.headers.get("location")
        if location is not None:
            self.location = self.repository.host.resolve(reply.url, location, "an upload")
        elif self.location is None:
            raise RegistryError(f"{self.repository} starts an upload, but does not say where")
        least = reply.headers.get("oci-chunk-min-length", "")
        self._least_part_bytes = int(least) if least.isascii() and least.isdigit() else self._least_part_bytes

    def _forget(self) -> None:
        """Start anew at the next attempt."""
        self._abort()
        self.location, self.confirmed_bytes = None, 0
        self._show(0)

    def _abort(self) -> None:
        """Tell the registry that nothing more comes to this upload."""
        if self.location is None or self.stop.is_set():
            return  # nobody waits for an answer in the end; registries forget unfinished uploads
        ask = self.repository.ask("the upload", "DELETE", self.location, _TAKEN | _LOST)
        with suppress(Passing, RegistryError):
            self.repository.host.ask_once(ask)
        self.location = None

    def _show(self, position: int) -> None:
        self.moved(position - self._shown_bytes)
        self._shown_bytes = position


def _pieces(chunk: bytes) -> Iterator[bytes]:
    """Yield *chunk* in pieces that are worth a look at the clock in between."""
    view = memoryview(chunk)
    for start in range(0, len(view), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


def _end_of(reply: Reply) -> int | None:
    """Return how many bytes the registry has, by its ``Range: 0-<last>``; None where it does not tell.

    ``0-0`` is what registries say of an upload that has nothing; of one with a single byte, too.
    """
    text = reply.headers.get("range", "").removeprefix("bytes=").partition("-")[2]
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) + 1 if int(text) else 0
