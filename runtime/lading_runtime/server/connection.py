"""A client's connection: uvicorn's, with what it lacks.

Slow clients hold nothing for long: the head of a request must be there in time, an answer must be taken
piece by piece, and there are only so many connections. (What a body must keep to, `body.py` says.) When there
are as many as there may be, the one that has been silent for longest makes room for a new one, as in nginx:
otherwise clients that ask nothing could keep out all others, and the probes.

A request that offers to go on in another protocol (``Upgrade: h2c``, which Java's client sends by itself)
is answered as if it did not (RFC 9110 §7.8); httptools takes its body for the other protocol. And the
head of a request has a largest size; what comes before it is complete would otherwise fill the memory.

Who ends its side of a connection has left, as for nginx: nobody can tell whether the other side is read.

A scoring request that came in one piece has no cycle of uvicorn's (`whole.py`), and one whose head has come
before is not parsed (`heads.py`).
"""

from __future__ import annotations

import asyncio
from typing import Protocol, Union

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from lading_runtime.server.body import WHOLE_BODY
from lading_runtime.server.exchange import CLIENT
from lading_runtime.server.heads import TRANSFER_ENCODING, Head, KnownHeads
from lading_runtime.server.lingering import LastWords, linger
from lading_runtime.server.malformed import refusal
from lading_runtime.server.patience import ConnectionLimits, PatientProtocol
from lading_runtime.server.whole import CLOSE, Whole, WholeRequests

MAX_HEAD_BYTES = 1 << 16
"""As much as uvicorn's other parser takes; what has come in one piece may be more."""

HTTP_1_0 = "1.0"
UPGRADE_HEADERS = frozenset([b"upgrade", b"http2-settings"])


class ConnectionEvents(Protocol):
    """Is told of connections that no request tells of."""

    def connection_refused(self) -> None:
        """There were too many."""

    def request_malformed(self) -> None:
        """A client sent what is no request of HTTP."""


Answered = Union[RequestResponseCycle, Whole]


class Connection(PatientProtocol):
    """One client's requests, one after the other. Make a class of them with `connections`."""

    direct: WholeRequests
    events: ConnectionEvents
    heads: KnownHeads
    """Of scoring requests, whoever sent them."""
    silent: dict[Connection, None]
    """Those without a request, the one that has been silent for longest first."""
    _answering: Answered | None = None
    """The request that is being answered, or that was last; others may wait behind it."""
    _whole: Whole | None = None
    """The request that is being read, as long as it may be whole in one piece."""
    _is_in_request = False
    """Whether the parser waits for the rest of a request."""
    _is_deaf = False
    """Whether what came last is no request: what was asked before is answered, and nothing else."""
    _is_in_head = False
    _head_bytes = 0
    _data = b""
    """What is being parsed, if a request begins where it does."""
    _is_behind = False
    """Whether another request ended in the piece of data that is being read."""
    _is_in_piece = False
    """Whether the request that is being read began in the piece of data that is being read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, if there are not too many; its first request must begin in time."""
        super().connection_made(transport)
        self.silent[self] = None
        if len(self.connections) > self.limits.max_connections:
            self.events.connection_refused()
            silent = next(iter(self.silent))  # this one, if all others have a request
            del self.silent[silent]
            silent.transport.abort()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self.silent.pop(self, None)
        self._abandon_requests()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._is_deaf or self._has_ended():
            return
        self._unset_keepalive_if_required()
        self.silent.pop(self, None)
        known = None if self._is_in_request else self.heads.find(data)
        if known is not None and self._is_idle and self.direct.takes(known[0]):
            self._stop_head_timer()
            self._answer_whole(Whole(self, *known))
            return
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
        is_awaited = self._is_in_head or self._idle_since is None
        if self._head_timer is None and self._is_idle and is_awaited and not self._has_ended():
            self._await_head()

    def shutdown(self) -> None:
        """Answer what has been asked, and no more. Who has been answered is not waited for."""
        self._is_stopping = True
        if self._farewell is not None:
            self._part()
        elif self._is_idle:
            self._close()
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._is_in_piece = self._is_in_request = True
        self._is_in_head, self._head_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. What comes behind a body is none, and is not kept (RFC 9110 §6.5.1)."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is complete; one that offers an upgrade is read once more, without that."""
        self._is_in_head = False
        self._stop_head_timer()
        if self.parser.should_upgrade() or self._has_ended():
            return  # nobody is answered on a connection that ends
        head = Head(self.url, self.headers, keep_alive=self._keeps_alive)
        if self._may_be_whole(head):
            self._whole = Whole(self, head)
        else:
            self._begin_cycle()

    def on_body(self, body: bytes) -> None:
        """A part of a body is there."""
        if self._has_ended():
            return
        if self._whole is None:
            super().on_body(body)
        else:
            self._whole.body += body

    def on_message_complete(self) -> None:
        """A request is complete; its body, if nobody can have asked for it yet, goes with it."""
        self._is_in_request, self._is_behind = False, True
        if self.parser.should_upgrade() or self._has_ended():
            return
        if self._whole is not None:
            self.heads.add(self._data, self._whole.head)
            self._answer_whole(self._whole)
            return
        super().on_message_complete()
        if self._is_in_piece:
            self.scope[WHOLE_BODY] = self.cycle.body  # type: ignore[literal-required]  # no key of ASGI

    def on_response_complete(self) -> None:
        """Go on with the next request; if there is none, it must come in time.

        Unlike uvicorn's, one timer stays for as long as requests come.
        """
        self.server_state.total_requests += 1
        if self._has_ended():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._answer_next()
            return
        self.silent[self] = None
        if self._is_in_head:
            self._await_head()
        else:
            self._await_request()

    def end(self) -> None:
        """End the connection behind an answer; if its request is not all there, without cutting it off."""
        if self._is_in_request:
            self._linger()
        else:
            self._close()

    def _linger(self) -> None:
        if not self._has_ended():
            self._part()
            linger(self, self.transport)

    def _part(self) -> None:
        super()._part()
        self.silent[self] = None

    def _abandon_requests(self) -> None:
        """Tell the requests that nobody waits for their answers; uvicorn tells only the one read last."""
        for request in (self._answering, *(cycle for cycle, _ in self.pipeline)):
            if request is not None and not request.response_complete:
                request.disconnected = True
                request.message_event.set()
        self.pipeline.clear()

    def _may_be_whole(self, head: Head) -> bool:
        """Tell whether the rest of a request may be there, and is all that it takes to answer it."""
        return (
            self._is_in_piece
            and self._is_idle
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and TRANSFER_ENCODING not in head.named
            and self.direct.takes(head)
        )

    @property
    def _keeps_alive(self) -> bool:
        """Whether the client of the request that is being read wants to go on behind its answer."""
        return self.parser.get_http_version() != HTTP_1_0 and self.parser.should_keep_alive()

    @property
    def _is_idle(self) -> bool:
        # uvicorn has no cycle before the first request, whatever its annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _answer_whole(self, whole: Whole) -> None:
        self._whole, self.cycle = None, whole  # type: ignore[assignment]  # it has what is asked of a cycle
        self._answering = whole
        self.direct.answer(whole)

    def _begin_cycle(self) -> None:
        """Have uvicorn begin what it begins with the first and with the last byte of a head."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.headers += headers
        self.url, self.expect_100_continue = url, expects
        super().on_headers_complete()
        cycle = self.cycle
        cycle.scope[CLIENT] = cycle  # type: ignore[literal-required]  # no key of ASGI
        cycle.transport = LastWords(self.transport.write, self._has_ended, self.end)  # type: ignore[assignment]  # as far as it asks
        if not self._keeps_alive:
            # The uvicorn of Python 3.9 knows only what stands in one spelling, and does not say so itself.
            cycle.keep_alive = False
            cycle.default_headers = [*cycle.default_headers, CLOSE]
        if not self.pipeline:
            self._answering = cycle

    def _answer_next(self) -> None:
        """Begin with the request that has waited longest for those before it."""
        self._answering, app = self.pipeline.pop()
        task = self.loop.create_task(self._answering.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _feed(self, data: bytes) -> bytes:
        """Have *data* parsed; return what is to be parsed once more."""
        self._is_in_piece, self._data = False, b"" if self._is_in_request else data
        self._is_behind = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        finally:
            self._data = b""
        if self._whole is not None:
            self._go_on_as_cycle(self._whole)
        if self._is_in_head:
            # What stands before it in a piece is not counted: it is part of others.
            self._head_bytes += 0 if self._is_behind else len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("The head of the request is too large.")
        return b""

    def _go_on_as_cycle(self, part: Whole) -> None:
        """Have uvicorn read a request whose rest is not there yet."""
        self._whole = None
        self._begin_cycle()
        if part.body:
            super().on_body(part.body)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request whose head has been parsed, and *rest*, without the offer of an upgrade."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError("this is no proxy")
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] not in UPGRADE_HEADERS]
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, b"".join(kept), rest)

    def _refuse(self, message: str) -> None:
        """Answer what was asked before what is no request; to that itself, only if the client can tell."""
        self.events.request_malformed()
        self.logger.warning(message)
        if self._has_ended():
            return
        broken = self._take_broken()
        if broken is None and not self._is_idle:
            self._is_deaf = True
            self.cycle.keep_alive = False
            return
        self._abandon_requests()
        if broken is None or not broken.response_started:
            self.transport.write(refusal(message, self.server_state.default_headers))
        self._linger()

    def _take_broken(self) -> RequestResponseCycle | None:
        """Return the request that is being answered, if its body is malformed; one that waits is dropped."""
        if not self._is_in_request or self._is_in_head or self._whole is not None:
            return None
        if not self.pipeline:
            return self.cycle
        self.pipeline.popleft()
        self.cycle = self.pipeline[0][0] if self.pipeline else self._answering  # type: ignore[assignment]  # one of both
        return None


def connections(
    limits: ConnectionLimits, direct: WholeRequests, events: ConnectionEvents
) -> type[Connection]:
    """Return the class of connections with *limits*, whose whole requests *direct* answers."""
    members = {"limits": limits, "direct": direct, "events": events, "heads": KnownHeads(), "silent": {}}
    return type("LimitedConnection", (Connection,), members)
