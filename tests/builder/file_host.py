"""Files over HTTP on loopback, from a host that can misbehave."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class FileHost:
    """A host that has the files of a folder."""

    folder: Path
    port: int = 0

    has_ranges: bool = True
    """Whether it continues files where the client asks for it."""

    faults: list[Callable[["FileHandler", bytes], bool]] = field(default_factory=list)
    """Each is used for one request of a file, in order; true when it has answered."""

    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request of a file."""

    @contextmanager
    def serving(self, handler: type["FileHandler"]) -> Iterator[None]:
        """Answer with *handler* on a free port."""
        with _Server(self, handler) as server:
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield
            server.shutdown()
            thread.join()


class FileHandler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self.reply()

    def do_HEAD(self) -> None:
        """Answer as to GET, without a body."""
        self.reply()

    def reply(self) -> None:
        """Answer to the path that is asked for."""
        raise NotImplementedError

    def give(self, content: bytes) -> None:
        """Answer with a file, or the part of it that is asked for, unless a fault is due."""
        host, wanted = self.server.host, self.headers.get("Range")
        if host.faults and host.faults.pop(0)(self, content):
            return
        if wanted and host.has_ranges:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            rest = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.answer(206, content[start:], rest)
        else:
            self.answer(200, content)

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, length: int | None = None
    ) -> None:
        """Send a whole response; *length* says another length than the body has."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    """Serves a host, each request in a thread."""

    daemon_threads = True

    def __init__(self, host: FileHost, handler: type[FileHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.host = host

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client goes away."""
