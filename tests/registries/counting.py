"""A relay before a registry that counts the bytes of a client, and goes away when a test wants that."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Where clients connect to, and what they have moved so far."""

    port: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0

    gone_at: bytes = b""
    """Beginning with a request that has these bytes in it, nothing reaches the registry any more."""

    went: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> str:
        """As references name the registry behind it."""
        return f"localhost:{self.port}"

    def reset(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self.sent_bytes = self.received_bytes = 0

    def passes_on(self, data: bytes) -> bool:
        """Count what a client sends; whether the registry gets it."""
        with self._lock:
            self.sent_bytes += len(data)
        if self.gone_at and self.gone_at in data:
            self.went.set()
        return not self.went.is_set()

    def passes_back(self, data: bytes) -> bool:
        """Count what the registry answers; the client gets all of it."""
        with self._lock:
            self.received_bytes += len(data)
        return True


@contextmanager
def relaying(behind: int) -> Iterator[Relay]:
    """Relay connections to a port of this machine."""
    relay = Relay()

    class Handler(socketserver.BaseRequestHandler):
        """One connection."""

        def handle(self) -> None:
            """Move bytes in both directions until one side ends."""
            with socket.create_connection(("127.0.0.1", behind)) as registry:
                back = threading.Thread(target=_move, args=(registry, self.request, relay.passes_back))
                back.start()
                _move(self.request, registry, relay.passes_on)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()


def _move(source: socket.socket, goal: socket.socket, passes: Callable[[bytes], bool]) -> None:
    with suppress(OSError):
        while (data := source.recv(1 << 16)) and passes(data):
            goal.sendall(data)
    with suppress(OSError):
        goal.shutdown(socket.SHUT_WR)
