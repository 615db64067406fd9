"""A gunicorn worker that runs uvicorn, and that drains.

Not `uvicorn_worker`'s: on SIGQUIT, which is what gunicorn turns SIGINT into, that one sets a flag that
nobody reads and is killed when the graceful timeout is over; it ends by the signal that asked it to
drain instead of with exit code 0; and it stops listening before a balancer can see that it is not
ready any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable, cast

import uvicorn
import uvloop
from gunicorn.app.base import BaseApplication
from gunicorn.workers import base

from lading_runtime.server.connection import Connection, connections
from lading_runtime.server.listening import accept_the_last, descriptors_of
from lading_runtime.server.patience import ConnectionLimits
from lading_runtime.server.probes import Drain
from lading_runtime.server.settings import Settings

if TYPE_CHECKING:
    from lading_runtime.server.app import Application

DRAIN_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
RETIRE_SIGNAL = signal.SIGUSR2
"""From the master, when other workers of the same server have taken over."""

RETIRE_S = 10.0
"""How long connections of a worker that others have replaced may be idle before they are closed."""

STARTUP_FAILURE = 3
"""uvicorn's exit code for it; only later ones than Python 3.9 can have give it a name."""

TLS_ENDS_S = 86_400.0
"""The event loop counts from the last answer on, however large that is: connections have a better limit."""

LAST_REQUESTS_S = 1.0
"""How long a connection that was made before the end of listening may take to bring its request."""
TICK_S = 0.01


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which on SIGTERM first says that it is not ready, and then stops listening."""

    def __init__(
        self, config: uvicorn.Config, drain: Drain, delay_s: float, *, client_timeout_s: float, master: int
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._delay_s = delay_s
        # The event loop takes no limit where there is no TLS.
        is_tls = config.ssl_certfile is not None
        self._tls_begins_s = client_timeout_s if is_tls else None
        self._tls_ends_s = TLS_ENDS_S if is_tls else None
        self._stop_at = float("inf")
        self._master = master
        self._is_turning_away = False
        self._is_retired = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own leaves uvloop's limits for TLS: a minute to begin, half of one to end."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(STARTUP_FAILURE)
        self.servers = [await self._listen(each) for each in sockets or []]
        self.started = True

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            self._connection,
            sock=listener,
            ssl=self.config.ssl,
            ssl_handshake_timeout=self._tls_begins_s,
            ssl_shutdown_timeout=self._tls_ends_s,
            backlog=self.config.backlog,
        )

    def _connection(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        make = cast("type[Connection]", self.config.http_protocol_class)
        return make(self.config, self.server_state, self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on signals. uvicorn's own raises them again at the end: the worker would die of them."""
        for number in DRAIN_SIGNALS:
            signal.signal(number, self.handle_exit)
        signal.signal(RETIRE_SIGNAL, self.retire)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Begin to drain; on a second SIGINT or SIGQUIT, end."""
        if self._drain.has_begun and sig != signal.SIGTERM:
            self.should_exit = self.force_exit = True
        if not self._drain.has_begun:
            self._drain.has_begun = True
            self._turn_away(self._delay_s)

    def retire(self, *_: object) -> None:
        """Leave new connections to the workers of the same server that have taken over.

        There is no hurry: who keeps a connection is asked, with an answer, to make a new one, and not hung up
        on while it may be sending a request.
        """
        asyncio.get_running_loop().call_soon_threadsafe(self._stop_listening)
        self._is_retired = True
        self._turn_away(RETIRE_S)

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()

    def _turn_away(self, delay_s: float) -> None:
        """Ask clients and proxies to come back on a new connection, to somebody else; end a little later."""
        self._stop_at = min(self._stop_at, asyncio.get_running_loop().time() + delay_s)
        if not self._is_turning_away:
            self._is_turning_away = True
            self.config.encoded_headers.append((b"connection", b"close"))
            self.server_state.default_headers = [
                *self.server_state.default_headers,
                (b"connection", b"close"),
            ]

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop now: the delay is over, or the master died and nobody would notice."""
        is_late = asyncio.get_running_loop().time() >= self._stop_at
        is_orphan = os.getppid() != self._master
        is_left = self._is_retired and not self.server_state.connections
        return await super().on_tick(counter) or is_late or is_orphan or is_left

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and end when everything that was accepted is answered.

        Who was accepted may still be about to send its request.
        """
        listeners = descriptors_of(sockets or [])
        self._stop_listening()
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_REQUESTS_S
        await self._take(accept_the_last(listeners))
        while self._is_about_to_be_asked() and loop.time() < until:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(TICK_S)
        await super().shutdown(sockets)

    async def _take(self, accepted: Sequence[socket.socket]) -> None:
        """Serve connections that the event loop has not accepted itself."""
        taking = [self._take_one(each) for each in accepted]
        # Who fails has hung up, or does not speak TLS.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*taking, return_exceptions=True), LAST_REQUESTS_S)

    async def _take_one(self, accepted: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            self._connection,
            accepted,
            ssl=self.config.ssl,
            ssl_handshake_timeout=self._tls_begins_s,
            ssl_shutdown_timeout=self._tls_ends_s,
        )

    def _is_about_to_be_asked(self) -> bool:
        return not self.force_exit and any(
            getattr(connection, "cycle", None) is None for connection in self.server_state.connections
        )


class DrainingApplication(BaseApplication):
    """What the worker must know of its application."""

    settings: Settings
    drain: Drain


class Worker(base.Worker):
    """Runs the application on uvicorn's server."""

    app: DrainingApplication

    def init_signals(self) -> None:
        """Forget the master's handlers; the server sets its own when it runs."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.siginterrupt(signal.SIGUSR1, False)

    def run(self) -> None:
        """Serve until asked to end."""
        settings = self.app.settings
        server = DrainingServer(
            self._config(),
            self.app.drain,
            settings.drain_delay_s,
            client_timeout_s=settings.client_timeout_s,
            master=self.ppid,  # known before the fork: whoever asks here may come too late
        )
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(server.serve(sockets=self._listeners()))
        finally:
            loop.close()
        if not server.started:
            raise SystemExit(1)

    def _listeners(self) -> list[socket.socket]:
        """Return gunicorn's sockets as plain ones.

        uvloop closes the descriptors of gunicorn's own class, which does not notice and closes them again.
        """
        plain = [socket.socket(fileno=os.dup(listener.fileno())) for listener in self.sockets]
        for listener in self.sockets:
            listener.close()
        return plain

    def _config(self) -> uvicorn.Config:
        settings = self.app.settings
        application = cast("Application", self.wsgi)  # what gunicorn was given, whatever it calls that
        limits = ConnectionLimits(settings.max_connections, settings.client_timeout_s)
        return uvicorn.Config(
            application.asgi,
            loop="uvloop",
            http=connections(limits, application.direct, application.events),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=self.cfg.backlog,
            timeout_keep_alive=self.cfg.keepalive,
            timeout_notify=self.timeout,
            callback_notify=self._notify_master(),
            ssl_certfile=self.cfg.certfile,
            ssl_keyfile=self.cfg.keyfile,
            ssl_ca_certs=self.cfg.ca_certs,
        )

    def _notify_master(self) -> Callable[..., Coroutine[Any, Any, None]]:
        async def notify() -> None:
            self.notify()

        return notify
