"""What is told to a client whose bytes are no request of HTTP."""

from __future__ import annotations

from lading_runtime.server.whole import BYE, DEFAULT_LINES

REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\n%b%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%b"
)
"""As uvicorn's; with the headers of every answer, that of the last one, and a message."""


def refusal(message: str, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the last answer on a connection; it says *message*, which is of ASCII."""
    lines, closes = DEFAULT_LINES.of(default_headers)
    return REFUSAL % (lines, b"" if closes else BYE, len(message), message.encode("ascii"))
