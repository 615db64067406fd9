"""One HTTP request and its answer: the only file here that knows which HTTP library there is.

A broken connection is a ``Passing``, as it may hold the next time; a host that cannot be trusted is not.
"""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx

from lading.errors import RegistryError
from lading.oci.registry.certificates import context_for
from lading.oci.registry.patience import Passing
from lading.oci.registry.proxies import proxy_for

_CONNECT_S = 15.0
_SILENCE_S = 60.0
_COMMIT_S = 300.0
"""How long a registry may take to store what it was sent; some copy it once more."""

CHUNK_BYTES = 1 << 18
_KEPT_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request; they are made anew for each attempt."""

    size_bytes: int
    chunks: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return a body of bytes in memory."""
        return cls(len(data), lambda: iter([data] if data else []))


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; its body is not read yet."""

    status: int
    reason: str
    url: str
    _response: httpx.Response = field(repr=False)

    def header(self, name: str) -> str | None:
        """Return the value of a header."""
        value: str | None = self._response.headers.get(name)
        return value

    def headers(self, name: str) -> list[str]:
        """Return the values of a header that may come several times."""
        return self._response.headers.get_list(name)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it was sent.

        Raises:
            Passing: the connection broke.
        """
        with _broken_connections(self.url):
            yield from self._response.iter_raw()  # as it comes: what waited in a buffer would be lost

    def read(self, limit_bytes: int) -> bytes:
        """Return the body of at most *limit_bytes*; what is longer is cut off one byte behind that."""
        data = bytearray()
        for chunk in self.chunks():
            data += chunk
            if len(data) > limit_bytes:
                break
        return bytes(data[: limit_bytes + 1])


class Transport:
    """Sends requests to any host, each with its own certificates and proxy; several threads may use one."""

    def __init__(self, insecure_hosts: frozenset[str], certificate_folders: tuple[Path, ...]) -> None:
        self._insecure_hosts = insecure_hosts
        self._certificate_folders = certificate_folders
        self._clients: dict[tuple[str, str], httpx.Client] = {}
        self._stack = ExitStack()
        self._lock = Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._stack.close()

    def abort(self) -> None:
        """Break all connections, also those on which other threads wait."""
        with self._lock:
            connections = tuple(self._sockets)
        for connection in connections:
            with suppress(OSError):  # it was closed meanwhile
                # not SSLSocket's own, which takes TLS away from under the waiting thread
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    @contextmanager
    def send(self, request: Request) -> Iterator[Answer]:
        """Give the answer to *request*; redirects are answers too.

        Raises:
            Passing: the connection cannot be made, or broke.
            RegistryError: the host is not trusted, or there is no way to it.
        """
        client = self._client(request.url)
        headers = {"Accept-Encoding": "identity", **request.headers}
        content = None
        if request.body is not None:
            headers["Content-Length"] = str(request.body.size_bytes)
            content = request.body.chunks()
        silence_s = _SILENCE_S if request.method in {"GET", "HEAD"} else _COMMIT_S
        timeout = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S, read=silence_s)
        with _broken_connections(request.url):
            made = client.build_request(
                request.method,
                request.url,
                headers=headers,
                content=content,
                timeout=timeout,
                extensions={"trace": self._watch},
            )
            response = client.send(made, stream=True)
        try:
            yield Answer(response.status_code, response.reason_phrase, request.url, response)
        finally:
            response.close()

    def _watch(self, event: str, information: Mapping[str, Any]) -> None:
        """Remember the sockets of all connections (HTTPX, "Request extensions")."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            stream = information["return_value"]
            with self._lock:
                self._sockets.add(stream.get_extra_info("socket"))

    def _client(self, url: str) -> httpx.Client:
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc.lower()
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._stack.enter_context(self._connected(url, key[1]))
            return self._clients[key]

    def _connected(self, url: str, host: str) -> httpx.Client:
        try:
            return httpx.Client(
                verify=self._trust(url, host),
                proxy=proxy_for(url),
                trust_env=False,  # its NO_PROXY knows no networks
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
                headers={"User-Agent": "lading"},
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise RegistryError(f"the proxy for {host} cannot be used", hint="check HTTPS_PROXY") from error

    def _trust(self, url: str, host: str) -> ssl.SSLContext | bool:
        if not url.startswith("https:"):
            return False  # reading certificates takes longer than asking a registry nearby
        is_checked = host not in self._insecure_hosts
        return context_for(host, self._certificate_folders, is_checked=is_checked)


@contextmanager
def _broken_connections(url: str) -> Iterator[None]:
    """Turn failures of the connection into what they mean."""
    host = urlsplit(url).netloc
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise RegistryError(f"{host!r} is no address of a registry") from error
    except httpx.HTTPError as error:
        if (cause := _untrusted(error)) is not None:
            raise RegistryError(
                f"{host} cannot be trusted: {cause.verify_message}",
                hint="name the file with the certificate of its CA in SSL_CERT_FILE, or put it into"
                f" /etc/docker/certs.d/{host}/ca.crt",
            ) from error
        meaning = _unencrypted(host) if _speaks_no_tls(error) else None
        raise Passing(_reason(error, proxy_for(url)), meaning=meaning) from error


def _untrusted(error: BaseException) -> ssl.SSLCertVerificationError | None:
    causes = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    return next(causes, None)


def _speaks_no_tls(error: BaseException) -> bool:
    """Return whether what came back to the first message of TLS was something else."""
    reasons = {cause.reason for cause in _causes(error) if isinstance(cause, ssl.SSLError)}
    return not reasons.isdisjoint({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


def _unencrypted(host: str) -> RegistryError:
    return RegistryError(
        f"{host} does not speak TLS",
        hint=f"where it may speak plain HTTP, allow that with --insecure-registry {host}",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: httpx.HTTPError, proxy: str | None) -> str:
    """Return what went wrong, without what may be secret in the address of *proxy*."""
    way = f" through the proxy {urlsplit(proxy).netloc.rpartition('@')[2]}" if proxy else ""
    match error:
        case httpx.ConnectTimeout():
            return f"it cannot be reached in time{way}"
        case httpx.TimeoutException():
            return "it fell silent"
        case httpx.ConnectError() | httpx.ProxyError():
            return f"it cannot be reached{way}: {_said(error)}".rstrip(": .")
        case _:
            return f"the connection broke: {_said(error)}".rstrip(": .")


def _said(error: httpx.HTTPError) -> str:
    """Return what the system says, without its numbers, as in ``[Errno 111] Connection refused``."""
    return re.sub(r"\[[^]]*\] | \(_ssl\.c:\d+\)", "", str(error)).lower()
