"""One file over HTTP into the store: hashed as it comes, and taken up again where it broke off.

What arrives goes to ``partial/<digest>``, which outlives an interruption. The next attempt hashes that
and asks for the rest with ``Range``. Only a whole that has the promised digest becomes a blob, so nobody
has to believe that both halves are of the same file: if they are not, it is fetched once more.
"""

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx

from lading.digest import Digest
from lading.errors import DigestMismatch, PackageIndexError, WheelUnavailable
from lading.store import Store, flush, store_errors
from lading.uv_process import without_credentials
from lading.wheels.http import Client

_ATTEMPTS = 5
"""Failures in a row, none of which brought a byte, before giving up."""

_LONGEST_WAIT_S = 30.0
_CHUNK_BYTES = 1 << 18
_OFFSET = re.compile(r"bytes (\d+)-")
_PASSING = {408, 425, 429}


class Cancelled(Exception):
    """The build was stopped; what has arrived is kept for the next one."""


class _Passing(Exception):
    """A failure that may be gone at the next attempt."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        """As the server asks for; None where it does not."""


@dataclass(slots=True)
class _Arriving:
    """A file that is not complete yet."""

    file: BinaryIO
    moved: Callable[[int], None]
    size_bytes: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    is_resumed: bool = False
    """Whether the first bytes are from an earlier run."""

    def resume(self) -> None:
        """Take up what an earlier run left."""
        self.file.seek(0)
        while chunk := self.file.read(_CHUNK_BYTES):
            self._count(chunk)
        self.is_resumed = self.size_bytes > 0

    def add(self, chunk: bytes) -> None:
        """Write *chunk* behind what is there."""
        self.file.write(chunk)
        self._count(chunk)

    def restart(self) -> None:
        """Forget everything that has arrived."""
        self.file.truncate(0)
        self.moved(-self.size_bytes)
        self.size_bytes, self.sha256, self.is_resumed = 0, hashlib.sha256(), False

    def digest(self) -> Digest:
        """Return the digest of what has arrived."""
        return Digest(self.sha256.hexdigest())

    def _count(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.size_bytes += len(chunk)
        self.moved(len(chunk))


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches files into the store; several threads may use one."""

    store: Store
    client: Client

    first_wait_s: float = 0.5
    """Before the second attempt; doubled at each further one."""

    stop: Event = field(default_factory=Event)
    """Set by another thread to end all downloads."""

    def download(self, url: str, digest: Digest, moved: Callable[[int], None] = lambda _: None) -> Path:
        """Return the blob of *digest*, fetched from *url*.

        Args:
            url: http or https.
            digest: of the whole file.
            moved: told how many bytes arrived since; a negative number when the download starts over.

        Raises:
            DigestMismatch: *url* gives other bytes than promised.
            PackageIndexError: its host cannot be reached or refuses.
            WheelUnavailable: there is no such file any more.
            StoreError: the disk is full, or the store cannot be written.
            Cancelled: ``stop`` was set.
        """
        path = self.store.partial(digest)
        with store_errors("write", path), path.open("a+b") as file:
            arriving = _Arriving(file, moved)
            arriving.resume()
            if arriving.digest() != digest:
                self._complete(url, arriving)
            if arriving.digest() != digest and arriving.is_resumed:
                arriving.restart()
                self._complete(url, arriving)
            if (got := arriving.digest()) != digest:
                path.unlink()
                raise _mismatch(url, digest, got)
            flush(file)
        return self.store.adopt(path, digest)

    def cancel(self) -> None:
        """End all downloads at once, those that wait for bytes too."""
        self.stop.set()
        self.client.abort()

    def _complete(self, url: str, arriving: _Arriving) -> None:
        """Fetch what is missing of *arriving*, in as many attempts as it takes."""
        failures = 0
        while True:
            before = arriving.size_bytes
            try:
                return self._attempt(url, arriving)
            except _Passing as error:
                failures = failures + 1 if arriving.size_bytes <= before else 1
                if failures >= _ATTEMPTS:
                    raise PackageIndexError(
                        f"cannot fetch {_file(url)} from {_host(url)}: {error}", hint="try again later"
                    ) from error
                self._wait(error.wait_s, failures)

    def _wait(self, asked_s: float | None, failures: int) -> None:
        # spread by chance, lest all that failed together try again together
        own_s = self.first_wait_s * 2 ** (failures - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if self.stop.wait(min(own_s if asked_s is None else asked_s, _LONGEST_WAIT_S)):
            raise Cancelled

    def _attempt(self, url: str, arriving: _Arriving) -> None:
        headers = {"Accept-Encoding": "identity"}  # a digest is of the file, not of a compressed form
        if arriving.size_bytes:
            headers["Range"] = f"bytes={arriving.size_bytes}-"
        try:
            with self.client.get(url, headers) as response:
                _check(url, response, arriving)
                for chunk in response.iter_raw():
                    arriving.add(chunk)
                    if self.stop.is_set():
                        raise Cancelled
        except httpx.HTTPError as error:
            raise _passing(url, error) from error


def _check(url: str, response: httpx.Response, arriving: _Arriving) -> None:
    """Return when the body of *response* continues *arriving*, which starts over where it must."""
    status = response.status_code
    offset = _OFFSET.match(response.headers.get("Content-Range", ""))
    if status == httpx.codes.OK:
        arriving.restart()
    elif status == httpx.codes.PARTIAL_CONTENT and offset and int(offset[1]) == arriving.size_bytes:
        return
    elif status in {httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE}:
        arriving.restart()
        raise _Passing(f"it cannot continue at byte {arriving.size_bytes}", 0)
    elif status in _PASSING or response.is_server_error:
        raise _Passing(f"it answers {status} {response.reason_phrase}", _retry_after(response))
    else:
        raise _refused(url, response)


def _refused(url: str, response: httpx.Response) -> PackageIndexError | WheelUnavailable:
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        return WheelUnavailable(f"{_file(url)} is no longer at {_host(url)}: {status}", hint="lock again")
    hint = "check the URL and the proxy"
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        hint = "give credentials in the index URL, in ~/.netrc or with UV_KEYRING_PROVIDER=subprocess"
    return PackageIndexError(f"{_host(url)} refuses to give {_file(url)}: {status}", hint=hint)


def _passing(url: str, error: httpx.HTTPError) -> Exception:
    """Return what *error* means for the next attempt."""
    reason = without_credentials(str(error)) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        hint = "set SSL_CERT_FILE to a file with the CA that signs for this host"
        return PackageIndexError(f"{_host(url)} is not trusted: {reason}", hint=hint)
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return _Passing(reason)
    return PackageIndexError(f"cannot fetch {_file(url)} from {_host(url)}: {reason}")


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _mismatch(url: str, expected: Digest, got: Digest) -> DigestMismatch:
    return DigestMismatch(
        f"{_file(url)} from {_host(url)} is not the file that was locked: expected {expected}, got {got}",
        hint="lock again if the index replaced it; else somebody changed it on its way",
    )


def _file(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
