"""Signatures as MLflow writes them, for properties."""

import json
from typing import Any

from hypothesis import strategies as st
from lading_runtime.schema.datatypes import SCALARS
from lading_runtime.schema.signature import Signature, read_signature

Json = dict[str, Any]

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
INNER = st.sampled_from(["boolean", "double", "long", "string"])
"""Types that lists and objects can hold: MLflow casts nothing in there, and JSON knows no others."""

DTYPES = st.sampled_from(["bool", "int8", "uint8", "int32", "int64", "float32", "float64", "object", "str"])
DEFAULTS = {
    "boolean": True,
    "integer": 3,
    "long": 3,
    "float": 0.25,
    "double": 0.25,
    "string": "x",
    "datetime": "",
}


def _containers(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    members = st.dictionaries(NAMES, st.tuples(inner, st.booleans()), min_size=1, max_size=3)
    return (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda values: {"type": "map", "values": values}, inner)
        | members.map(
            lambda found: {
                "type": "object",
                "properties": {name: {**kind, "required": need} for name, (kind, need) in found.items()},
            }
        )
    )


SINGLE: st.SearchStrategy[Json] = st.sampled_from(SCALARS).map(lambda name: {"type": name})
NESTED = _containers(st.recursive(INNER.map(lambda name: {"type": name}), _containers, max_leaves=4))
TYPES = SINGLE | NESTED | st.just({"type": "any"})


@st.composite
def named_columns(draw: st.DrawFn) -> list[Json]:
    """Columns with names, some of them optional."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    return [{**draw(TYPES), "name": name, "required": draw(st.booleans())} for name in names]


def unnamed_columns() -> st.SearchStrategy[list[Json]]:
    """Columns without names."""
    return st.lists(SINGLE.map(lambda kind: {**kind, "required": True}), min_size=1, max_size=4)


@st.composite
def tensors(draw: st.DrawFn) -> list[Json]:
    """One tensor without a name, or some with names."""
    names = draw(st.just([None]) | st.lists(NAMES, min_size=1, max_size=3, unique=True))
    lengths = st.lists(st.sampled_from([-1, 1, 2, 3]), max_size=2)
    return [
        {
            **({} if name is None else {"name": name}),
            "type": "tensor",
            "tensor-spec": {"dtype": draw(DTYPES), "shape": [draw(st.sampled_from([-1, 2])), *draw(lengths)]},
        }
        for name in names
    ]


@st.composite
def params(draw: st.DrawFn) -> list[Json]:
    """Parameters of all types, single and lists."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    kinds = [(name, draw(st.sampled_from(sorted(DEFAULTS))), draw(st.booleans())) for name in names]
    return [
        {
            "name": name,
            "type": kind,
            "shape": [-1] if is_list else None,
            "default": [DEFAULTS[kind]] if is_list else DEFAULTS[kind],
        }
        for name, kind, is_list in kinds
    ]


INPUTS = named_columns() | unnamed_columns() | tensors()


def signature_of(
    inputs: list[Json], given: list[Json], outputs: list[Json] | None = None, **mlmodel: Any
) -> Signature:
    """The signature of an MLmodel file."""
    written = {
        "inputs": json.dumps(inputs),
        "params": json.dumps(given) if given else None,
        "outputs": json.dumps(outputs) if outputs else None,
    }
    signature = read_signature({"signature": written, **mlmodel})
    assert signature is not None
    return signature


def signatures() -> st.SearchStrategy[Signature]:
    """Signatures of all kinds."""
    return st.builds(signature_of, INPUTS, params(), st.none() | INPUTS)
