"""What ties a request to what others know of it: its id, and its place in a trace.

Both are on every answer and on every line of the log. The id is the client's (``X-Request-Id``) if it is
a short word, else one of ours. The trace is W3C's (https://www.w3.org/TR/trace-context/); a
``traceparent`` that the recommendation calls invalid is ignored, as it asks.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import NamedTuple

TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16
FORBIDDEN_VERSION, VERSION = "ff", "00"

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@~-]{1,128}")
"""What is taken over from clients: it goes into logs and headers."""

REQUEST_ID_HEADER, TRACEPARENT_HEADER = b"x-request-id", b"traceparent"
IDENTIFYING = frozenset([REQUEST_ID_HEADER, TRACEPARENT_HEADER])
"""What a request says of itself alone."""


class Trace(NamedTuple):
    """Where in a trace something stands."""

    trace_id: str
    span_id: str
    flags: str

    def __str__(self) -> str:
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"


class Correlation(NamedTuple):
    """A request's id and trace."""

    request_id: str
    trace: Trace | None

    def fields(self) -> dict[str, str]:
        """Return what a line of the log says of it."""
        if self.trace is None:
            return {"request_id": self.request_id}
        return {
            "request_id": self.request_id,
            "trace_id": self.trace.trace_id,
            "span_id": self.trace.span_id,
        }

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what an answer says of it."""
        named = [(REQUEST_ID_HEADER, self.request_id.encode())]
        return named if self.trace is None else [*named, (TRACEPARENT_HEADER, str(self.trace).encode())]

    def lines(self) -> bytes:
        """Return the same as lines of an answer's head."""
        if self.trace is None:
            return b"x-request-id: %b\r\n" % self.request_id.encode()
        return b"".join([b"%b: %b\r\n" % header for header in self.headers()])


CURRENT: ContextVar[Correlation | None] = ContextVar("lading_correlation", default=None)
"""Of the request that is being answered; what it causes later, such as a timer, knows it too."""


class RequestIds:
    """Makes ids for requests that bring none: a random prefix of the process, and a number.

    A random id for each would cost a system call.
    """

    def __init__(self) -> None:
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        """Return a new id."""
        return f"{self._prefix}-{next(self._numbers):x}"


def correlate(headers: Iterable[tuple[bytes, bytes]], new_id: RequestIds) -> Correlation:
    """Return what ties a request with *headers* to others."""
    request_id = trace = None
    traces = 0
    for name, value in headers:
        if name == REQUEST_ID_HEADER and REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == TRACEPARENT_HEADER:
            traces += 1
            trace = read_traceparent(value)
    return Correlation(request_id or new_id(), trace if traces == 1 else None)


def read_traceparent(value: bytes) -> Trace | None:
    """Return what a ``traceparent`` header says, or None if it is invalid.

    Headers of later versions may have more fields, which are not read (§4.3 of the recommendation).
    """
    found = TRACEPARENT.fullmatch(value.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags = (part.decode() for part in found.groups()[:4])
    has_more = found[5] is not None
    if version == FORBIDDEN_VERSION or (version == VERSION and has_more):
        return None
    return None if trace_id == NO_TRACE or span_id == NO_SPAN else Trace(trace_id, span_id, flags)
