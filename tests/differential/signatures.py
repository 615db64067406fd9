"""Strategies: every kind of signature that MLflow can write."""

from typing import Any

from hypothesis import strategies as st

from tests.differential.parties import Signature

Spec = dict[str, Any]

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
DTYPES = (
    "float32", "float64", "int64", "int32", "int8", "uint8", "uint64", "float16", "bool", "str", "object",
)  # fmt: skip
SHAPES = ((-1,), (-1, 1), (-1, 2), (2,), (2, 2), (-1, 2, 2), (-1, -1), ())
NAMES = ("a", "b", "c", "sepal length (cm)", "é 😀", "0", "input", "x.1")


def scalar_types() -> st.SearchStrategy[Spec]:
    """Types of single values."""
    return st.sampled_from(SCALARS).map(lambda name: {"type": name})


def nested_types() -> st.SearchStrategy[Spec]:
    """Types with others in them, and those that say nothing."""
    return st.recursive(scalar_types() | st.just({"type": "any"}), containers, max_leaves=3)


def containers(items: st.SearchStrategy[Spec]) -> st.SearchStrategy[Spec]:
    """Arrays, objects and maps of *items*."""
    properties = st.dictionaries(
        st.sampled_from(("p", "q", "é")), st.tuples(items, st.booleans()), min_size=1, max_size=2
    )
    return st.one_of(
        items.map(lambda inner: {"type": "array", "items": inner}),
        properties.map(
            lambda members: {
                "type": "object",
                "properties": {
                    name: {**inner, "required": is_required} for name, (inner, is_required) in members.items()
                },
            }
        ),
        items.map(lambda inner: {"type": "map", "values": inner}),
    )


def column_types() -> st.SearchStrategy[Spec]:
    """Types of columns; mostly single values, as in most signatures."""
    vectors = st.just({"type": "sparkml_vector"})
    return st.one_of(scalar_types(), scalar_types(), nested_types(), nested_types(), vectors)


@st.composite
def named_columns(draw: st.DrawFn) -> list[Spec]:
    """Columns with names, some optional."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    return [
        {**draw(column_types()), "name": name, "required": draw(st.sampled_from((True, True, False)))}
        for name in names
    ]


def unnamed_columns() -> st.SearchStrategy[list[Spec]]:
    """Columns without names, which are all required."""
    column = column_types().map(lambda inner: {**inner, "required": True})
    return st.lists(column, min_size=1, max_size=3)


@st.composite
def tensors(draw: st.DrawFn) -> list[Spec]:
    """Tensors with names, or one without."""
    named = st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=2, unique=True)
    names: list[str | None] = [*draw(named)] if draw(st.booleans()) else [None]
    tensor = st.fixed_dictionaries({"dtype": st.sampled_from(DTYPES), "shape": st.sampled_from(SHAPES)})
    return [
        {"type": "tensor", "tensor-spec": draw(tensor), **({} if name is None else {"name": name})}
        for name in names
    ]


DEFAULTS: dict[str, Any] = {
    "boolean": True,
    "integer": 1,
    "long": 2**53,
    "float": 0.5,
    "double": 1e300,
    "string": "é",
    "datetime": "2024-01-02T03:04:05",
}


@st.composite
def params(draw: st.DrawFn) -> list[Spec]:
    """Parameters: single values, lists and objects."""
    found: list[Spec] = []
    for name in draw(st.lists(st.sampled_from(("p", "temperature", "stop", "é")), max_size=3, unique=True)):
        kind = draw(st.sampled_from([*DEFAULTS, "object"]))
        if kind == "object":
            members = {"k": {"type": "long", "required": True}, "o": {"type": "string", "required": False}}
            found.append(
                {"name": name, "type": kind, "properties": members, "default": {"k": 1}, "shape": None}
            )
            continue
        is_list = draw(st.booleans())
        default = [DEFAULTS[kind]] if is_list else DEFAULTS[kind]
        found.append({"name": name, "type": kind, "default": default, "shape": [-1] if is_list else None})
    return found


KINDS: dict[str, st.SearchStrategy[list[Spec]]] = {
    "named columns": named_columns(),
    "unnamed columns": unnamed_columns(),
    "tensors": tensors(),
    "no inputs": st.just([]),
}


def signatures(kind: str) -> st.SearchStrategy[Signature]:
    """What a model may declare: inputs of one of `KINDS`, and sometimes params."""
    declared = st.one_of(st.just([]), st.just([]), params())
    return st.builds(lambda *both: Signature(*map(tuple, both)), KINDS[kind], declared)
