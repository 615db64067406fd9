"""Strategies: requests to a model with a signature, most of which look as they should."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.differential.gaps import leave_gaps
from tests.differential.parties import Signature
from tests.differential.signatures import Spec, signatures
from tests.differential.values import EDGY, PLAIN, Literal, anything, single

JSON = "application/json"
CSV = "text/csv"
Row = dict[str, Any]
Form = Callable[[st.DrawFn, list[Row]], Any]
LLM_KEYS = ("messages", "prompt", "input")


@dataclass(frozen=True)
class Request:
    """What is sent to a model."""

    signature: Signature
    content_type: str
    body: bytes


def write(value: Any) -> str:
    """Return *value* as JSON text."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    return json.dumps(value)


# --- data ---

ELEMENTS = {
    "bool": "boolean", "str": "string", "object": "any", "float16": "float", "float32": "float",
    "float64": "double", "int8": "integer", "uint8": "integer", "int32": "integer",
}  # fmt: skip
"""The column type whose values suit a tensor's dtype; "long" for the others."""


@st.composite
def arrays(draw: st.DrawFn, spec: Spec, rows: int, *, is_odd: bool) -> Any:
    """Nested lists that suit a tensor; an odd one may have another shape or other elements."""
    inner = spec["tensor-spec"]
    lengths = [rows if limit == -1 else limit for limit in inner["shape"]]
    kind: Spec = {"type": ELEMENTS.get(inner["dtype"], "long")}
    if not is_odd:
        return _fill(draw, lengths, st.integers(0, 9) if kind["type"] != "string" else PLAIN.of(kind))
    if draw(st.integers(0, 2)) == 0:
        lengths = draw(st.lists(st.integers(0, 3), max_size=3))
    array = _fill(draw, lengths, EDGY.of(kind) if draw(st.booleans()) else st.integers(0, 100))
    return array if draw(st.integers(0, 4)) else draw(st.just([array, 1]) | anything())


def _fill(draw: st.DrawFn, lengths: list[int], element: st.SearchStrategy[Any]) -> Any:
    if not lengths:
        return draw(element)
    return [_fill(draw, lengths[1:], element) for _ in range(lengths[0])]


def names_of(signature: Signature) -> list[str]:
    """Return what the columns are called; numbers where they have no names."""
    return [spec.get("name", str(position)) for position, spec in enumerate(signature.inputs)]


@st.composite
def tables(draw: st.DrawFn, signature: Signature) -> list[Row]:
    """Rows for a signature, at most one column of which is odd; of tensors, each row has its part."""
    count = draw(st.sampled_from((1, 2, 1, 3, 0)))
    if not signature.inputs:
        cells = draw(st.lists(st.sampled_from((single(), st.integers(), anything())), min_size=1, max_size=2))
        return [{name: draw(kind) for name, kind in zip("ab", cells, strict=False)} for _ in range(count)]
    odd = draw(st.integers(-len(signature.inputs), len(signature.inputs) - 1))
    rows: list[Row] = [{} for _ in range(count)]
    for position, (name, spec) in enumerate(_parts(signature)):
        if spec.get("required", True) or draw(st.integers(0, 2)):
            for row in rows:
                row[name] = draw(_cells(spec, is_odd=position == odd))
    return rows


def _cells(spec: Spec, *, is_odd: bool) -> st.SearchStrategy[Any]:
    if spec["type"] == "tensor":
        return arrays(spec, 2, is_odd=is_odd)
    return (EDGY if is_odd else PLAIN).of(spec)


def _parts(signature: Signature) -> list[tuple[str, Spec]]:
    """Return what each row has by name: columns, or tensors without their first dimension."""
    return [
        (name, {**spec, "tensor-spec": {**inner, "shape": inner["shape"][1:]}} if inner else spec)
        for name, spec in zip(names_of(signature), signature.inputs, strict=True)
        for inner in [spec.get("tensor-spec")]
    ]


def columns(rows: list[Row]) -> dict[str, list[Any]]:
    """Return *rows* by column."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row[name] for row in rows if name in row] for name in names}


# --- envelopes ---


def split(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """A split data frame."""
    names = list(columns(rows))
    return {
        "dataframe_split": {"columns": names, "data": [[row.get(name) for name in names] for row in rows]}
    }


def odd_split(draw: st.DrawFn, rows: list[Row]) -> Any:
    """A split data frame with an index, without names, with names twice or rows of unequal lengths."""
    frame = split(draw, rows)["dataframe_split"]
    oddity = draw(st.sampled_from(("index", "columns", "twice", "ragged", "member", "labels", "by column")))
    match oddity:
        case "index":
            frame["index"] = draw(st.lists(single() | st.integers(0, 9), max_size=3))
        case "columns":
            del frame["columns"]
        case "twice":
            frame = {"columns": frame["columns"] * 2, "data": [row * 2 for row in frame["data"]]}
        case "ragged" if frame["data"]:
            frame["data"][-1] = draw(st.lists(single(), max_size=3))
        case "labels":
            frame["columns"] = draw(
                st.lists(st.none() | st.integers(0, 3) | st.sampled_from("abc"), max_size=3)
            )
        case "by column":
            frame = {"data": columns(rows)}
        case _:
            frame[draw(st.sampled_from(("data", "columns", "index", "dtype")))] = draw(anything())
    return {"dataframe_split": frame}


def records(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """Records."""
    return {"dataframe_records": rows}


def input_columns(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """Columns by name."""
    return {"inputs": columns(rows)}


def input_rows(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """Rows as objects."""
    return {"inputs": rows}


def input_row(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """One row as an object."""
    return {"inputs": rows[0] if rows else {}}


def input_list(_draw: st.DrawFn, rows: list[Row]) -> Any:
    """Values without names: of a single column, or rows as lists."""
    is_single = all(len(row) == 1 for row in rows)
    return {"inputs": [next(iter(row.values())) if is_single else list(row.values()) for row in rows]}


def input_value(draw: st.DrawFn, rows: list[Row]) -> Any:
    """A single value."""
    return {"inputs": input_list(draw, rows)["inputs"][0] if rows else draw(single())}


def as_instances(form: Form) -> Form:
    """The same under `instances`."""
    return lambda draw, rows: {"instances": form(draw, rows)["inputs"]}


def bare(draw: st.DrawFn, rows: list[Row]) -> Any:
    """A body that is the input itself, as chat and completion models take it."""
    is_row: bool = draw(st.booleans())
    row = rows[0] if rows and is_row else columns(rows)
    key = {draw(st.sampled_from(LLM_KEYS)): draw(anything())}
    return {**key, **row} if set(LLM_KEYS).isdisjoint(row) else row


INSTANCE_ROWS = as_instances(input_rows)
OBJECT_FORMS = (records, input_rows, INSTANCE_ROWS)
"""Those whose data is a list of objects."""

NAMED_FORMS: tuple[Form, ...] = (
    *(split, records, input_columns, input_rows, input_row, INSTANCE_ROWS, as_instances(input_columns), bare),
)
NAMELESS_FORMS: tuple[Form, ...] = (
    *(split, records, input_list, input_value, as_instances(input_list), as_instances(input_value)),
)
FORMS = (odd_split, *NAMED_FORMS, *NAMELESS_FORMS)


def forms_for(signature: Signature) -> tuple[Form, ...]:
    """Return the forms that suit a signature: all of them where there is none."""
    if not signature.inputs:
        return FORMS
    if "name" not in signature.inputs[0]:
        return NAMELESS_FORMS
    return (*NAMED_FORMS, *NAMELESS_FORMS) if len(signature.inputs) == 1 else NAMED_FORMS


# --- oddities ---


def drop_column(draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    """Leave a column out of all rows, or of one."""
    names = list(columns(rows))
    if not names:
        return rows
    name = draw(st.sampled_from(names))
    row = draw(st.integers(-1, len(rows) - 1))
    return [
        {key: cell for key, cell in cells.items() if key != name or row not in (-1, position)}
        for position, cells in enumerate(rows)
    ]


def add_column(draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    """Add a column that is not in the signature."""
    kind = draw(st.sampled_from((single(), anything())))
    return [{**row, "zz": draw(kind)} for row in rows]


def reverse(_draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    """Name the columns in another order."""
    return [dict(reversed(row.items())) for row in rows]


def wrap(draw: st.DrawFn, rows: list[Row]) -> list[Any]:
    """Replace a row by something else, or put it into a list."""
    if not rows:
        return [draw(anything())]
    return [*rows[:-1], draw(anything() | st.just([rows[-1]]))]


def envelope_oddity(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """Say something beside the data, or nothing that is data."""
    match draw(st.sampled_from(("extra", "two", "params", "data", "body"))):
        case "extra":
            return {**document, draw(st.sampled_from(("signature_name", "zz", "stream"))): draw(single())}
        case "two":
            return {**document, draw(st.sampled_from(("inputs", "instances", "dataframe_records"))): []}
        case "params":
            return {**document, "params": draw(anything())}
        case "data":
            return {key: draw(anything()) for key in document}
        case _:
            return draw(anything())


@st.composite
def params_for(draw: st.DrawFn, signature: Signature) -> Any:
    """Params, most of which a signature declares."""
    sent = {}
    for spec in signature.params:
        if not draw(st.booleans()):
            continue
        value = (EDGY if draw(st.booleans()) else PLAIN).of(spec)
        is_list = (spec["shape"] is not None) != (draw(st.integers(0, 9)) == 0)
        sent[spec["name"]] = draw(st.lists(value, max_size=2)) if is_list else draw(value)
    if draw(st.integers(0, 9)) == 0:
        sent["unknown"] = draw(single())
    return sent


@st.composite
def json_bodies(draw: st.DrawFn, signature: Signature) -> bytes:
    """JSON in one of the formats."""
    rows = draw(tables(signature))
    if draw(st.integers(0, 4)) == 0:
        rows = draw(st.sampled_from((drop_column, add_column, reverse)))(draw, rows)
    is_any_form: bool = draw(st.integers(0, 9)) == 0
    form = draw(st.sampled_from(FORMS if is_any_form else forms_for(signature)))
    if form in OBJECT_FORMS and draw(st.integers(0, 19)) == 0:
        rows = wrap(draw, rows)
    document = form(draw, rows)
    has_params: bool = draw(st.booleans())
    if signature.params and has_params:
        sent = draw(params_for(signature))
        document = {**document, **sent} if form is bare else {**document, "params": sent}
    if draw(st.integers(0, 14)) == 0:
        document = envelope_oddity(draw, document)
    return write(document).encode()


@st.composite
def tensor_bodies(draw: st.DrawFn, signature: Signature) -> bytes:
    """A whole tensor, or some by name, as `inputs` or `instances`."""
    rows = draw(st.integers(0, 3))
    odd = draw(st.integers(-2, len(signature.inputs) - 1))
    whole = {
        name: draw(arrays(spec, rows, is_odd=position == odd))
        for position, (name, spec) in enumerate(zip(names_of(signature), signature.inputs, strict=True))
    }
    is_named = "name" in signature.inputs[0]
    document = {draw(st.sampled_from(("inputs", "instances"))): whole if is_named else whole["0"]}
    return write(document).encode()


def csv_cell(value: Any) -> str:
    """Return *value* as it stands in a CSV."""
    text = "" if value is None else value if isinstance(value, str) else write(value)
    text = text.encode("utf-8", "replace").decode()
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(mark in text for mark in ',"\n\r') else text


@st.composite
def csv_bodies(draw: st.DrawFn, signature: Signature) -> bytes:
    """CSV with a header; sometimes a row is longer or shorter, and cells are missing."""
    rows = draw(tables(signature))
    if draw(st.booleans()):
        rows = leave_gaps(draw, rows)
    if draw(st.integers(0, 4)) == 0:
        rows = draw(st.sampled_from((drop_column, add_column, reverse)))(draw, rows)
    names = list(columns(rows)) or names_of(signature)
    lines: list[list[Any]] = [[*names], *([row.get(name) for name in names] for row in rows)]
    if draw(st.integers(0, 9)) == 0:
        lines[-1] = [*lines[-1], *draw(st.lists(single(), max_size=2))][draw(st.integers(0, 1)) :]
    return "".join(",".join(map(csv_cell, line)) + "\n" for line in lines).encode()


@st.composite
def requests(draw: st.DrawFn, kind: str) -> Request:
    """A request to a model with a signature of one of `KINDS`."""
    signature = draw(signatures(kind))
    is_tensor = bool(signature.inputs) and signature.inputs[0]["type"] == "tensor"
    if is_tensor and draw(st.integers(0, 2)):
        return Request(signature, JSON, draw(tensor_bodies(signature)))
    if draw(st.integers(0, 9)) == 0:
        return Request(signature, CSV, draw(csv_bodies(signature)))
    return Request(signature, JSON, draw(json_bodies(signature)))
