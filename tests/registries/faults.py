"""A proxy before a registry that breaks things, by a seed: the same seed breaks the same requests.

It cuts requests and answers at any byte, delays them, sends requests twice, flips bits in either
direction, answers with errors of its own, limits the size of requests, and redirects blobs to another host.
"""

import http.client
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

from tests.registries.web import Handler, serving

_HOP = {"connection", "transfer-encoding", "content-length", "host", "accept-encoding"}


@dataclass(frozen=True)
class Exchange:
    """A request on its way, its body read."""

    handler: Handler
    body: bytes

    @property
    def is_blob_read(self) -> bool:
        """Whether it asks for a blob's bytes."""
        return self.handler.command == "GET" and "/blobs/sha256" in self.handler.path


@dataclass(frozen=True)
class Fetched:
    """An answer of the registry."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def text(self, *, is_head: bool) -> bytes:
        """Return it as it goes over the wire."""
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}"]
        own = {name.lower(): value for name, value in self.headers}
        length = own.get("content-length", "0") if is_head else str(len(self.body))
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() not in _HOP]
        lines += [f"Content-Length: {length}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode() + (b"" if is_head else self.body)


@dataclass
class Faults:
    """A proxy to the registry at a port of this machine."""

    behind: int
    random: random.Random

    rate: float = 0.2
    """The share of requests that something happens to."""

    largest_body_bytes: int | None = None
    """Above this, requests are answered with 413."""

    kinds: tuple[str, ...] = (
        "cut_request",
        "cut_answer",
        "delay",
        "repeat",
        "flip_request",
        "flip_answer",
        "refuse",
        "redirect",
    )

    where: str = ""
    """A part of the paths that this happens to; all others pass."""

    seen: Counter[str] = field(default_factory=Counter)
    """How often each thing has happened."""

    port: int = 0
    _elsewhere: int = 0
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def running(self) -> Iterator["Faults"]:
        """Serve on a free port, and blobs on another."""
        with serving(self._handle) as self.port, serving(self._handle_elsewhere) as self._elsewhere:
            yield self

    def _handle(self, handler: Handler) -> None:
        exchange = Exchange(handler, handler.body())
        handler.close_connection = True
        if self.largest_body_bytes is not None and len(exchange.body) > self.largest_body_bytes:
            self._count("413")
            handler.answer(413, b"<html>too large</html>")
            return
        kind = self._chosen() if self.where in handler.path else "pass"
        self._count(kind)
        getattr(self, f"_{kind}")(exchange)

    def _handle_elsewhere(self, handler: Handler) -> None:
        """Serve what a registry redirects to; as storage does, it refuses those who bring credentials."""
        handler.close_connection = True
        if handler.headers.get("Authorization") is not None:
            handler.answer(400, b"only one way to authorize is allowed")
            return
        self._pass(Exchange(handler, b""))

    def _chosen(self) -> str:
        with self._lock:
            return self.random.choice(self.kinds) if self.random.random() < self.rate else "pass"

    def _count(self, kind: str) -> None:
        with self._lock:
            self.seen[kind] += 1

    def _below(self, limit: int) -> int:
        with self._lock:
            return self.random.randrange(limit) if limit else 0

    def _pass(self, exchange: Exchange, change: Callable[[bytes], bytes] = lambda text: text) -> None:
        fetched = self._fetched(exchange, exchange.body)
        text = fetched.text(is_head=exchange.handler.command == "HEAD")
        with suppress(OSError):  # the client went away
            exchange.handler.wfile.write(change(text))

    def _delay(self, exchange: Exchange) -> None:
        time.sleep(0.002)
        self._pass(exchange)

    def _repeat(self, exchange: Exchange) -> None:
        """Send a request twice, as a middle box that saw no answer does."""
        self._fetched(exchange, exchange.body)
        self._pass(exchange)

    def _cut_request(self, exchange: Exchange) -> None:
        """Break off before the registry has the whole request; it learns no more than that."""
        head = [
            f"{exchange.handler.command} {exchange.handler.path} HTTP/1.1",
            f"Host: localhost:{self.behind}",
        ]
        head += [f"{name}: {value}" for name, value in exchange.handler.headers.items() if name != "Host"]
        text = "\r\n".join([*head, "", ""]).encode() + exchange.body
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.behind)) as connection:
            connection.sendall(text[: self._below(len(text))])

    def _cut_answer(self, exchange: Exchange) -> None:
        self._pass(exchange, lambda text: text[: self._below(len(text))])

    def _flip_request(self, exchange: Exchange) -> None:
        changed = self._flipped(exchange.body, 0)
        self._pass(Exchange(exchange.handler, changed))

    def _flip_answer(self, exchange: Exchange) -> None:
        self._pass(exchange, lambda text: self._flipped(text, text.index(b"\r\n\r\n") + 4))

    def _flipped(self, data: bytes, start: int) -> bytes:
        if len(data) <= start:
            return data
        at = start + self._below(len(data) - start)
        return data[:at] + bytes([data[at] ^ (1 << self._below(8))]) + data[at + 1 :]

    def _refuse(self, exchange: Exchange) -> None:
        status = (408, 429, 500, 502, 503, 504)[self._below(6)]
        headers = ({}, {"Retry_After": "1"}, {"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"})[self._below(3)]
        exchange.handler.answer(status, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}', **headers)

    def _redirect(self, exchange: Exchange) -> None:
        if exchange.is_blob_read:
            target = f"http://127.0.0.1:{self._elsewhere}{exchange.handler.path}"
            exchange.handler.answer(307, Location=target)
        else:
            self._pass(exchange)

    def _fetched(self, exchange: Exchange, body: bytes) -> Fetched:
        """Return the registry's answer; ``Host`` is ours, so it names us in its ``Location``."""
        handler = exchange.handler
        connection = http.client.HTTPConnection("127.0.0.1", self.behind)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP}
        headers |= {"Host": f"localhost:{self.port}", "Connection": "close"}
        if handler.command in {"POST", "PUT", "PATCH"}:
            headers["Content-Length"] = str(len(body))
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            return Fetched(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
