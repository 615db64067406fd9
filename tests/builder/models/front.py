"""A real HTTP(S) server before a tracking server: it passes requests on, or misbehaves as it is told."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from urllib.error import HTTPError
from urllib.request import Request, urlopen

Answer = tuple[int, dict[str, str], bytes]
"""A status, headers and a body."""


@dataclass
class Seen:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Front:
    """A running server."""

    behind: str
    """The server that requests are passed on to."""

    answer: Callable[[Seen], Answer | None] = lambda seen: None
    """Answers itself, or passes on after None."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)

    @contextmanager
    def running(self, tls: SSLContext | None = None) -> Iterator["Front"]:
        """Serve on a free loopback port."""
        server = _Server(("127.0.0.1", 0), _handler(self), tls)
        self.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def demands(expected: str) -> Callable[[Seen], Answer | None]:
    """Return a rule that lets only requests with this ``Authorization`` pass."""

    def answer(seen: Seen) -> Answer | None:
        return None if seen.headers.get("authorization") == expected else (401, {}, b"who are you?")

    return answer


def basic(username: str, password: str) -> str:
    """Return the header's value for name and password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class _Server(ThreadingHTTPServer):
    """Shakes hands on the thread of each connection, and keeps broken ones to itself."""

    daemon_threads = True

    def __init__(self, address, handler, tls):
        self._tls = tls
        super().__init__(address, handler)

    def finish_request(self, request, client_address):
        if self._tls:
            request = self._tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self._tls:
            request.close()

    def handle_error(self, request, client_address):
        """Say nothing: broken connections are what the tests ask for."""


def _handler(front):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = Seen(
                self.command, self.path, {name.lower(): value for name, value in self.headers.items()}
            )
            front.seen.append(seen)
            status, headers, content = front.answer(seen) or self._passed_on(body)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            if int(headers.get("Content-Length", len(content))) != len(content):
                self.close_connection = True

        do_POST = do_GET  # noqa: N815 - http.server calls it so

        def _passed_on(self, body):
            kind = {"Content-Type": self.headers.get("Content-Type") or "text/plain"}
            request = Request(front.behind + self.path, body or None, kind, method=self.command)
            try:
                with urlopen(request) as response:
                    return (
                        response.status,
                        {"Content-Type": response.headers["Content-Type"]},
                        response.read(),
                    )
            except HTTPError as error:
                with error:
                    return error.code, {"Content-Type": error.headers["Content-Type"]}, error.read()

        def log_message(self, *arguments):
            """Say nothing."""

    return Handler
