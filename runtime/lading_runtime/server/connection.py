"""A client's connection: uvicorn's, with two things that it lacks.

A request that offers to go on in another protocol (``Upgrade: h2c``, which Java's client sends by itself)
is answered as if it did not (RFC 9110 §7.8); httptools takes its body for the other protocol. And the
head of a request has a largest size; what comes before it is complete would otherwise fill the memory.
"""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 1 << 16
"""As much as uvicorn's other parser takes; what has come in one piece may be more."""

UPGRADE_HEADERS = frozenset([b"upgrade", b"http2-settings"])


class Connection(HttpToolsProtocol):
    """One client's requests, one after the other."""

    _is_in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head of a request is complete; one that offers an upgrade is read once more, without that."""
        self._is_in_head = False
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is complete."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _feed(self, data: bytes) -> bytes:
        """Have *data* parsed; return what is to be parsed once more."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("The head of the request is too large.")
        return b""

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request whose head has been parsed, and *rest*, without the offer of an upgrade."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError("this is no proxy")
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] not in UPGRADE_HEADERS]
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, b"".join(kept), rest)

    def _refuse(self, message: str) -> None:
        self.logger.warning(message)
        self.send_400_response(message)
