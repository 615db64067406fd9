"""HTTP clients for package hosts: the host's proxies, certificates and time limits."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from lading.environment import PackageIndex
from lading.tls import no_checks, tls_context
from lading.wheels.credentials import find_login

_TIMEOUT = httpx.Timeout(30.0, connect=15.0)


@dataclass(frozen=True, slots=True)
class Client:
    """Asks package hosts for files, as whoever the user is there."""

    checked: httpx.Client
    unchecked: httpx.Client
    """For hosts whose certificates the user said not to check."""

    index: PackageIndex

    sockets: set[socket.socket] = field(default_factory=set)
    """Of the responses that are being read."""

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Give the response to a GET, its body not read yet."""
        parts = urlsplit(url)
        is_trusted = {parts.hostname, parts.netloc} & {*self.index.trusted_hosts, *_insecure_hosts()}
        client = self.unchecked if is_trusted else self.checked
        with client.stream("GET", url, headers=headers, auth=find_login(url, self.index)) as response:
            connection = response.extensions["network_stream"].get_extra_info("socket")
            self.sockets.add(connection)
            try:
                yield response
            finally:
                self.sockets.discard(connection)

    def abort(self) -> None:
        """Break off all responses that other threads are reading."""
        for connection in tuple(self.sockets):
            with suppress(OSError):  # it was closed meanwhile
                # not SSLSocket's own, which takes TLS away from under the reading thread
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


@contextmanager
def open_client(index: PackageIndex) -> Iterator[Client]:
    """Give a client for the hosts of *index* and all others; proxies are taken from the environment."""
    with ExitStack() as stack:
        checked, unchecked = (
            stack.enter_context(httpx.Client(verify=context, timeout=_TIMEOUT, follow_redirects=True))
            for context in (tls_context(), no_checks())
        )
        yield Client(checked, unchecked, index)


def _insecure_hosts() -> list[str]:
    return os.environ.get("UV_INSECURE_HOST", "").split()
