"""What a request becomes on its way to the model: nodes that cross the wire as JSON and raw buffers.

A node is a dictionary with a ``kind``; ``buffer`` is an index into the buffers of the message. The
server makes nodes (`protocol`, `schema`), the model process turns them into what the model takes
(`worker.frames`). Both sides import this, so standard library only.

The server decides whether a request fits; what only NumPy and pandas can say (which dtype a column of
texts has, how a time is spelled) is left to those that the model brought, so that it is given exactly
what MLflow would have given it with the same versions.

    {"kind": "table", "dtype": "<f8", "names": [..], "rows": n, "index": [..] | null, "buffer": n}
                                            a DataFrame of one dtype, column after column
    {"kind": "frame", "columns": [column, ..], "rows": n, "index": [..] | null}
                                            any other DataFrame with a signature
    {"kind": "array", "dtype": "<f4", "shape": [..], "buffer": n}
                                            a NumPy array of numbers
    {"kind": "numpy", "buffer": n, "dtype": "str" | null, "shape": [..] | null}
                                            ``np.array(value, dtype)`` of a JSON value, reshaped if it says
                                            so; with "each": of its items, each an array of its own
    {"kind": "json", "buffer": n}           a JSON value as it is
    {"kind": "time", "value": ".."}         a ``datetime.datetime``, or ``date`` where there is no ``T``
    {"kind": "dict", "items": [[name, node], ..]}
    {"kind": "list", "items": [node, ..]}
    {"kind": "pandas", "buffer": n}         ``pd.DataFrame(**value)`` of a JSON object: no signature
    {"kind": "csv", "buffer": n, "dtypes": [[0, ".."], ..]}
                                            ``pd.read_csv``: no signature, or a type hint
    {"kind": "columnar", "buffer": n, "format": "..", "fields": [..] | null}
                                            a file ("parquet", "Arrow stream", "Arrow file"), whose data frame
                                            must have the fields: {"name", "dtype", "shape"} of a tensor,
                                            or {"name", "required", "type", ..} as in a signature

``Payload.params`` is a node, too: a "dict", or None for models without parameters.

A column is ``{"name": .., "type": ..}`` and its cells. "JSON" is a JSON list; ``absent`` lists the rows
in which the key was left out, which pandas shows as NaN where it may show null as None.

    "<f8" "<f4" "<i8" "<i4" "|b1"  buffer: numbers, one after the other
    "boolean"   buffer: a byte per cell (2: missing); "missing": "nan" | "none"; "scalars": "python" | "numpy"
    "text"      JSON; a column as pandas reads it, never as numbers; "dtype": as it says, if it does
    "string"    JSON; each cell as ``str()`` says it, null kept; "arrays": whether lists become NumPy arrays
    "binary"    buffer: all bytes, one after the other; "lengths": of the cells, -1 is null
    "time"      JSON; "by": "pandas" | "numpy", who reads the texts; becomes datetime64[ns]
    "any"       JSON; a column as pandas reads it
    "nested"    JSON; "of": its type, as in a signature; "arrays": whether lists become NumPy arrays
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple

from lading_runtime.wire import Buffer

Node = Dict[str, Any]

MISSING_BOOLEAN = 2
"""The byte that stands for a missing boolean."""


class Payload(NamedTuple):
    """What one request asks the model: data, its buffers, and parameters."""

    data: Node
    buffers: list[Buffer]
    """Of the data and of the parameters."""

    params: Node | None
    """None where the model's signature has no parameters and none were sent."""

    is_wrapped: bool = True
    """Whether the answer is ``{"predictions": …}``; LLM-style requests are answered bare."""

    is_streamed: bool = False
    """Whether the client asked for server-sent events."""

    rows: tuple[int, ...] | None = None
    """Of a batch: how many rows belong to each of its requests, one after the other."""


class Buffers(List[Buffer]):
    """The buffers of a payload while its nodes are made."""

    def add(self, buffer: Buffer) -> int:
        """Append *buffer*; return its index."""
        self.append(buffer)
        return len(self) - 1
