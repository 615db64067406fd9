"""What the systems along a trace hand on beside it: ``tracestate`` (https://www.w3.org/TR/trace-context/#tracestate-header).

Read here, for OpenTelemetry's own reader repeats what a client sends in warnings of the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TRACESTATE_HEADER = b"tracestate"
MAX_MEMBERS = 32

# §3.3.1.3.1 and .2 of the recommendation: a name, or one before and one behind an @, and a value.
SIMPLE_KEY = rb"[a-z][a-z0-9_*/-]{0,255}"
MULTI_TENANT_KEY = rb"[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}"
VALUE = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
MEMBER = re.compile(b"(%b|%b)=(%b)" % (SIMPLE_KEY, MULTI_TENANT_KEY, VALUE))
BLANKS = b" \t"


def read_tracestate(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return the keys and values that a request hands on, in all its headers of this name.

    Nothing if one of them is invalid, comes twice, or there are too many: whoever repairs a list repeats
    what nobody has said.
    """
    listed = b",".join(value for name, value in headers if name == TRACESTATE_HEADER)
    members = [member for part in listed.split(b",") if (member := part.strip(BLANKS))]
    found = [MEMBER.fullmatch(member) for member in members[: MAX_MEMBERS + 1]]
    pairs = {each[1].decode(): each[2].decode() for each in found if each is not None}
    return list(pairs.items()) if len(pairs) == len(members) <= MAX_MEMBERS else []
