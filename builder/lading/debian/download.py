"""Files of the archive, into the store: hashed as they come, and taken up again where they broke off."""

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx

from lading.debian.missing import Missing
from lading.digest import Digest
from lading.errors import ArchiveError, DigestMismatch
from lading.store import Store, flush, store_errors
from lading.tls import tls_context

_TIMEOUT = httpx.Timeout(30.0, connect=15.0)
_ATTEMPTS = 4
"""Failures in a row, none of which brought a byte, before giving up."""

_MAX_INDEX_BYTES = 1 << 24
"""A release file has 150 KB; more than this is none."""

_CHUNK_BYTES = 1 << 18
_OFFSET = re.compile(r"bytes (\d+)-")
_PASSING = {408, 425, 429}


class _Passing(Exception):
    """A failure that may be gone at the next attempt."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches files; several threads may use one."""

    store: Store
    client: httpx.Client

    first_wait_s: float = 0.5
    """Before the second attempt; doubled at each further one."""

    def read(self, url: str) -> bytes:
        """Return a small file whose digest nobody knows yet.

        Raises:
            Missing: there is none.
            ArchiveError: its host cannot be reached or refuses.
        """
        data = bytearray()

        def attempt() -> None:
            data.clear()
            with _errors(url), self.client.stream("GET", url) as response:
                _check(url, response)
                for chunk in response.iter_bytes():
                    data.extend(chunk)
                    if len(data) > _MAX_INDEX_BYTES:
                        raise ArchiveError(f"{_name(url)} has more than {_MAX_INDEX_BYTES} bytes")

        self._retry(url, attempt, lambda: 0)
        return bytes(data)

    def fetch(self, url: str, digest: Digest, moved: Callable[[int], None] = lambda _: None) -> Path:
        """Return the blob of *digest*, fetched from *url* unless another build does so meanwhile.

        Args:
            url: http or https.
            digest: of the whole file.
            moved: told how many bytes arrived since; a negative number when it starts over.

        Raises:
            DigestMismatch: *url* gives other bytes than Debian signed.
            Missing: there is no such file any more.
            ArchiveError: its host cannot be reached or refuses.
            StoreError: the disk is full, or the store cannot be written.
        """
        with self.store.exclusive(digest.hex):  # two would write to one unfinished file
            return self.store.find(digest) or self._fetch(url, digest, moved)

    def _fetch(self, url: str, digest: Digest, moved: Callable[[int], None]) -> Path:
        path = self.store.partial(digest)
        with store_errors("write", path), path.open("a+b") as file:
            had = _seek_end(file)
            moved(had)
            if had == 0 or _digest(file) != digest:
                self._complete(url, file, moved)
            if had > 0 and _digest(file) != digest:  # what an earlier run left was of another file
                _restart(file, moved)
                self._complete(url, file, moved)
            if (got := _digest(file)) != digest:
                path.unlink()
                raise _mismatch(url, digest, got)
            flush(file)
        return self.store.adopt(path, digest)

    def _complete(self, url: str, file: BinaryIO, moved: Callable[[int], None]) -> None:
        """Fetch what is missing of *file*, in as many attempts as it takes."""
        self._retry(url, lambda: self._attempt(url, file, moved), file.tell)

    def _attempt(self, url: str, file: BinaryIO, moved: Callable[[int], None]) -> None:
        start = _seek_end(file)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with _errors(url), self.client.stream("GET", url, headers=headers) as response:
            if not _continues(response, start):
                _restart(file, moved)
                if response.status_code != httpx.codes.OK:
                    raise _Passing(f"it cannot continue at byte {start}")
            _check(url, response)
            for chunk in response.iter_raw():
                file.write(chunk)
                moved(len(chunk))

    def _retry(self, url: str, attempt: Callable[[], None], arrived: Callable[[], int]) -> None:
        """Call *attempt* until it succeeds; those that brought bytes do not count as failures."""
        failures, before = 0, arrived()
        while True:
            try:
                return attempt()
            except _Passing as error:
                failures = failures + 1 if arrived() <= before else 1
                before = arrived()
                if failures >= _ATTEMPTS:
                    raise ArchiveError(
                        f"cannot fetch {_name(url)} from {_host(url)}: {error}", hint=_REACH
                    ) from error
                # spread by chance, lest all that failed together try again together
                time.sleep(self.first_wait_s * 2 ** (failures - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


_REACH = "set LADING_DEBIAN_MIRROR to a mirror that this host reaches, or give another base"


@contextmanager
def open_client(proxies: Mapping[str, str]) -> Iterator[httpx.Client]:
    """Give a client that goes through *proxies*, or those of the environment where there are none."""
    context = tls_context()
    with ExitStack() as stack:
        mounts = {
            scheme if "://" in scheme else f"{scheme}://": None
            if proxy.upper() == "DIRECT"
            else stack.enter_context(httpx.HTTPTransport(verify=context, proxy=proxy))
            for scheme, proxy in proxies.items()
        }
        yield stack.enter_context(
            httpx.Client(verify=context, timeout=_TIMEOUT, follow_redirects=True, mounts=mounts)
        )


@contextmanager
def _errors(url: str) -> Iterator[None]:
    """Say of a failure whether it may be gone at the next attempt."""
    try:
        yield
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            hint = "set SSL_CERT_FILE to a file with the CA that signs for this host"
            raise ArchiveError(f"{_host(url)} is not trusted: {reason}", hint=hint) from error
        raise _Passing(reason) from error


def _continues(response: httpx.Response, start: int) -> bool:
    """Return whether the body begins where *start* bytes have arrived."""
    if start == 0 or response.status_code not in {
        httpx.codes.OK,
        httpx.codes.PARTIAL_CONTENT,
        httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE,
    }:
        return True
    offset = _OFFSET.match(response.headers.get("Content-Range", ""))
    return response.status_code == httpx.codes.PARTIAL_CONTENT and bool(offset and int(offset[1]) == start)


def _check(url: str, response: httpx.Response) -> None:
    status = response.status_code
    text = f"{status} {response.reason_phrase}".strip()
    if status in _PASSING or response.is_server_error:
        raise _Passing(f"it answers {text}")
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise Missing(f"{_host(url)} has no {urlsplit(url).path}: {text}", hint=_REACH)
    if not response.is_success:
        raise ArchiveError(f"{_host(url)} refuses to give {_name(url)}: {text}", hint=_REACH)


def _mismatch(url: str, expected: Digest, got: Digest) -> DigestMismatch:
    return DigestMismatch(
        f"{urlsplit(url).path} from {_host(url)} is not what Debian signed: expected {expected}, got {got}",
        hint="the mirror may be in the middle of an update; else somebody changed it on its way",
    )


def _digest(file: BinaryIO) -> Digest:
    file.seek(0)
    sha256 = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        sha256.update(chunk)
    return Digest(sha256.hexdigest())


def _seek_end(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _restart(file: BinaryIO, moved: Callable[[int], None]) -> None:
    moved(-_seek_end(file))
    file.truncate(0)
    file.seek(0)


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
