"""Payloads of several requests → one payload, and its prediction → one for each: by rows, buffer by buffer.

What is joined must reach the model as it would alone, cell for cell and dtype for dtype. So payloads are
joined only where no cell can change how another one is read: numbers, bytes, booleans, nested values and
columns of nothing but texts. pandas looks at a whole column to choose a dtype for anything else, or to
find out how times are spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, Optional

import orjson

from lading_runtime.errors import Unsplittable
from lading_runtime.payload import Buffers, Node, Payload
from lading_runtime.server.predictor import Prediction
from lading_runtime.wire import Buffer

WORDS: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""How `memoryview` spells cells of so many bytes."""

Described = Optional[tuple[Hashable, int]]
"""What payloads must have in common, and the number of rows."""


Value = tuple[Node, Sequence[Buffer]]
"""What a model answered: a value of `lading_runtime.wire`, and its buffers."""


class Part(NamedTuple):
    """A payload as a part of a larger one."""

    key: Hashable
    """Payloads with equal keys can be joined."""

    rows: int


def part_of(payload: Payload) -> Part | None:
    """Return how *payload* can be joined with others, or None if it cannot."""
    data = payload.data
    kind = _JOINABLE.get(data["kind"])
    described = None if kind is None else kind.describe(data, payload.buffers)
    if described is None or described[1] == 0:
        return None
    key, rows = described
    if payload.params is None:
        return Part(key, rows)
    # Equal keys have equally many buffers of data, so that the params' nodes point to the same places.
    of_params = tuple(map(bytes, payload.buffers[_count(data) :]))
    return Part((key, repr(payload.params), of_params), rows)


def join(payloads: Sequence[Payload]) -> Payload:
    """Return *payloads*, whose keys are equal, as one that knows which rows are whose."""
    first = payloads[0]
    kind = _JOINABLE[first.data["kind"]]
    buffers = Buffers()
    data = kind.join(payloads, buffers)
    rows = tuple(kind.rows(payload.data) for payload in payloads)
    return Payload(data, [*buffers, *first.buffers[len(buffers) :]], first.params, rows=rows)


def split(payload: Payload, max_rows: int) -> list[Payload] | None:
    """Return *payload* as payloads of at most *max_rows* rows, or None if it has cells of unknown lengths."""
    kind = _JOINABLE[payload.data["kind"]]
    pieces = []
    for start in range(0, kind.rows(payload.data), max_rows):
        buffers = Buffers()
        data = kind.cut(payload, slice(start, start + max_rows), buffers)
        if data is None:
            return None
        of_params = payload.buffers[len(buffers) :]
        pieces.append(Payload(data, [*buffers, *of_params], payload.params, rows=(kind.rows(data),)))
    return pieces


def parts_of(value: Node, buffers: Sequence[Buffer], rows: Sequence[int]) -> list[Value]:
    """Return the prediction for a joined payload as one for each of its parts.

    Raises:
        Unsplittable: it has not one row for each row of the payload.
    """
    if value["kind"] == "texts":
        return [({"kind": "json", "buffer": 0}, [text]) for text in buffers]
    total = sum(rows)
    if value["kind"] != "array" or value["shape"][0] != total:
        raise Unsplittable("the model gave not one row for each row of a batch")
    view, width = memoryview(buffers[value["buffer"]]), value["shape"][1:]
    row_bytes = len(view) // total
    parts: list[Value] = []
    start = 0
    nodes = {count: {**value, "shape": [count, *width], "buffer": 0} for count in set(rows)}
    for count in rows:
        end = start + count * row_bytes
        parts.append((nodes[count], [view[start:end]]))
        start = end
    return parts


def whole_of(parts: Sequence[Prediction]) -> Prediction:
    """Return the predictions for the pieces of a payload as one.

    Raises:
        Unsplittable: they differ in more than their rows.
    """
    values = [part.value for part in parts]
    buffers = [part.buffers[0] for part in parts]
    forms = {(value["kind"], value.get("dtype"), *value.get("shape", [0])[1:]) for value in values}
    if len(forms) > 1:
        raise Unsplittable("the model gave different kinds of answers for the rows of one request")
    if values[0]["kind"] == "array":
        shape = [sum(value["shape"][0] for value in values), *values[0]["shape"][1:]]
        value, joined = {**values[0], "shape": shape}, b"".join(buffers)
    else:
        value, joined = {"kind": "json", "buffer": 0}, join_lists(buffers)
    queue_s, model_s = sum(part.queue_s for part in parts), sum(part.model_s for part in parts)
    return Prediction(value, [joined], queue_s, model_s)


def join_lists(texts: Sequence[Buffer]) -> bytes:
    """Return JSON lists, none of them empty, as one list."""
    return b"[" + b",".join([bytes(text)[1:-1] for text in texts]) + b"]"


# --- tables: columns of one dtype, one after the other ---


def _describe_table(node: Node, _buffers: Sequence[Buffer]) -> Described:
    if node["index"] is not None:
        return None
    return ("table", node["dtype"], *node["names"]), node["rows"]


def _join_tables(payloads: Sequence[Payload], buffers: Buffers) -> Node:
    node = payloads[0].data
    rows = [payload.data["rows"] for payload in payloads]
    parts = [payload.buffers[0] for payload in payloads]
    width, item_bytes = len(node["names"]), _item_bytes(node["dtype"])
    if max(rows) == 1:
        cells = memoryview(b"".join(parts)).cast(WORDS[item_bytes])
        columns: list[Buffer] = [cells[column::width].tobytes() for column in range(width)]
    else:
        columns = [
            memoryview(part)[column * count * item_bytes : (column + 1) * count * item_bytes]
            for column in range(width)
            for part, count in zip(parts, rows)
        ]
    return {**node, "rows": sum(rows), "buffer": buffers.add(b"".join(columns))}


def _cut_table(payload: Payload, rows: slice, buffers: Buffers) -> Node:
    node = payload.data
    cells = memoryview(payload.buffers[0]).cast("B").cast(WORDS[_item_bytes(node["dtype"])])
    starts = range(0, len(cells), node["rows"])
    columns = [cells[start : start + node["rows"]][rows] for start in starts]
    return {**node, "rows": len(columns[0]), "buffer": buffers.add(b"".join(columns))}


def _item_bytes(dtype: str) -> int:
    return int(dtype[2:])


# --- frames: columns of different types ---


def _describe_frame(node: Node, buffers: Sequence[Buffer]) -> Described:
    if node["index"] is not None or not node["columns"]:
        return None
    keys = []
    for position, column in enumerate(node["columns"]):
        if column["buffer"] != position or not _is_joinable(column, buffers[position]):
            return None
        keys.append(_key_of(column))
    return ("frame", *keys), node["rows"]


def _key_of(column: Node) -> Hashable:
    if column["type"][2:].isdigit():
        return column["name"], column["type"]
    return tuple((name, repr(value)) for name, value in column.items() if name != "lengths")


def _is_joinable(column: Node, buffer: Buffer) -> bool:
    if column["type"] in ("text", "string"):
        is_plain = not column.get("absent") and not column.get("arrays")
        return is_plain and all(type(cell) is str for cell in _read_list(buffer))
    if column["type"] == "nested":
        return not column.get("absent")
    return column["type"] in ("boolean", "binary") or column["type"][2:].isdigit()


def _read_list(buffer: Buffer) -> list[Any]:
    """Return a JSON list; for what orjson does not read, one that holds no texts."""
    try:
        return list(orjson.loads(buffer))
    except orjson.JSONDecodeError:
        return [None]


def _join_frames(payloads: Sequence[Payload], buffers: Buffers) -> Node:
    node = payloads[0].data
    columns = []
    for position, column in enumerate(node["columns"]):
        parts = [payload.buffers[position] for payload in payloads]
        is_json = column["type"] in ("text", "string", "nested")
        joined = {**column, "buffer": buffers.add(join_lists(parts) if is_json else b"".join(parts))}
        if "lengths" in column:
            lengths = (payload.data["columns"][position]["lengths"] for payload in payloads)
            joined["lengths"] = list(chain.from_iterable(lengths))
        columns.append(joined)
    return {**node, "columns": columns, "rows": sum(payload.data["rows"] for payload in payloads)}


def _cut_frame(payload: Payload, rows: slice, buffers: Buffers) -> Node | None:
    columns = []
    for column in payload.data["columns"]:
        if not column["type"][2:].isdigit():
            return None
        cells = memoryview(payload.buffers[column["buffer"]]).cast("B")
        cut = cells.cast(WORDS[_item_bytes(column["type"])])[rows]
        columns.append({**column, "buffer": buffers.add(cut)})
    count = len(range(*rows.indices(payload.data["rows"])))
    return {**payload.data, "columns": columns, "rows": count}


# --- arrays, and dictionaries of them ---


def _describe_array(node: Node, _buffers: Sequence[Buffer]) -> Described:
    if not node["shape"]:
        return None
    return ("array", node["dtype"], *node["shape"][1:]), node["shape"][0]


def _describe_dict(node: Node, _buffers: Sequence[Buffer]) -> Described:
    items = node["items"]
    if not items or any(item["kind"] != "array" or not item["shape"] for _, item in items):
        return None
    if len({item["shape"][0] for _, item in items}) > 1:
        return None
    if [item["buffer"] for _, item in items] != list(range(len(items))):
        return None
    keys = [(name, item["dtype"], *item["shape"][1:]) for name, item in items]
    return ("dict", *keys), items[0][1]["shape"][0]


def _joined_array(nodes: Sequence[Node], parts: Sequence[Buffer], buffers: Buffers) -> Node:
    shape = [sum(node["shape"][0] for node in nodes), *nodes[0]["shape"][1:]]
    return {**nodes[0], "shape": shape, "buffer": buffers.add(b"".join(parts))}


def _join_arrays(payloads: Sequence[Payload], buffers: Buffers) -> Node:
    nodes = [payload.data for payload in payloads]
    return _joined_array(nodes, [payload.buffers[0] for payload in payloads], buffers)


def _join_dicts(payloads: Sequence[Payload], buffers: Buffers) -> Node:
    items = []
    for position, (name, _) in enumerate(payloads[0].data["items"]):
        nodes = [payload.data["items"][position][1] for payload in payloads]
        parts = [payload.buffers[position] for payload in payloads]
        items.append((name, _joined_array(nodes, parts, buffers)))
    return {**payloads[0].data, "items": items}


def _cut_array(node: Node, buffer: Buffer, rows: slice, buffers: Buffers) -> Node:
    count = len(range(*rows.indices(node["shape"][0])))
    row_bytes = len(buffer) // node["shape"][0]
    cut = memoryview(buffer)[rows.start * row_bytes : (rows.start + count) * row_bytes]
    return {**node, "shape": [count, *node["shape"][1:]], "buffer": buffers.add(cut)}


def _cut_one_array(payload: Payload, rows: slice, buffers: Buffers) -> Node:
    return _cut_array(payload.data, payload.buffers[0], rows, buffers)


def _cut_dict(payload: Payload, rows: slice, buffers: Buffers) -> Node:
    items = [
        (name, _cut_array(item, payload.buffers[item["buffer"]], rows, buffers))
        for name, item in payload.data["items"]
    ]
    return {**payload.data, "items": items}


def _count(node: Node) -> int:
    """Return how many buffers the data have."""
    if node["kind"] == "frame":
        return len(node["columns"])
    return len(node["items"]) if node["kind"] == "dict" else 1


class _Kind(NamedTuple):
    """What can be done with nodes of one kind."""

    describe: Callable[[Node, Sequence[Buffer]], Described]
    join: Callable[[Sequence[Payload], Buffers], Node]
    cut: Callable[[Payload, slice, Buffers], Node | None]
    rows: Callable[[Node], int]


_JOINABLE = {
    "table": _Kind(_describe_table, _join_tables, _cut_table, lambda node: node["rows"]),
    "frame": _Kind(_describe_frame, _join_frames, _cut_frame, lambda node: node["rows"]),
    "array": _Kind(_describe_array, _join_arrays, _cut_one_array, lambda node: node["shape"][0]),
    "dict": _Kind(_describe_dict, _join_dicts, _cut_dict, lambda node: node["items"][0][1]["shape"][0]),
}
