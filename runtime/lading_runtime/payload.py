"""What a request becomes on its way to the model: nodes that cross the wire as JSON and raw buffers.

A node is a dictionary with a ``kind``; ``buffer`` is an index into the buffers of the message. The
server makes nodes (`protocol`, `schema`), the model process turns them into what the model takes
(`worker.frames`). Both sides import this, so standard library only.

    {"kind": "frame", "columns": [column, ...], "rows": n, "index": [...] | null}   a pandas DataFrame
    {"kind": "array", "dtype": "<f4", "shape": [..], "buffer": n}                   a NumPy array of numbers
    {"kind": "python", "value": ...}              JSON as it is: dict, list, str, number, bool, None
    {"kind": "numpy", "value": ..., "dtype": "<U" | null}    ``np.array(value, dtype)``
    {"kind": "dict", "items": [[name, node], ...]}
    {"kind": "list", "items": [node, ...]}
    {"kind": "pandas", "data": ..., "columns": [...] | null, "index": [...] | null}
                                                  ``pd.DataFrame(data, columns, index)``: no signature
    {"kind": "csv", "buffer": n}                  ``pd.read_csv``: no signature

A column is ``{"name": ..., "type": ...}`` and its cells:

    "<f8" "<f4" "<i8" "<i4" "|b1"  with "buffer": numbers, one after the other
    "datetime"                     with "buffer": ``<i8`` nanoseconds since 1970; the smallest is NaT
    "string" "object"              with "values": JSON cells, null as None
    "binary"                       with "buffer" (all bytes, one after the other) and "lengths" (-1 is None)
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

from lading_runtime.wire import Buffer

Node = Dict[str, Any]

NAT = -(2**63)
"""How NumPy stores "not a time" among nanoseconds."""


class Payload(NamedTuple):
    """What one request asks the model: data, its buffers, and parameters."""

    data: Node
    buffers: list[Buffer]

    params: dict[str, Any] | None
    """None where the model's signature has no parameters."""

    is_wrapped: bool = True
    """Whether the answer is ``{"predictions": …}``; LLM-style requests are answered bare."""

    is_streamed: bool = False
    """Whether the client asked for server-sent events."""
