"""Columns of arrays, objects, maps and anything."""

import numpy as np
import pytest
from lading_runtime.errors import SchemaViolation, UnreadableValue

POINT = {
    "type": "object",
    "properties": {"p": {"type": "string"}, "q": {"type": "double", "required": False}},
}


def array(kind, **others):
    """An array type as MLmodel writes it."""
    return {"type": "array", "items": {"type": kind}, "required": True, **others}


def mapping(kind):
    """A map type as MLmodel writes it."""
    return {"type": "map", "values": {"type": kind}, "required": True}


def sent(cell):
    """A body with one record of a column `x`."""
    return {"dataframe_records": [{"x": cell}]}


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("long", [1, 2], [1, 2]),
        ("long", [], []),
        ("double", [1, 0], [1.0, 0.0]),
        ("double", [1, 2.5], [1.0, 2.5]),
        ("string", ["a", None, "b"], ["a", None, "b"]),
        ("string", ["a", 1], ["a", "1"]),
        ("boolean", [True, None], [True, None]),
        ("datetime", [None, None], [None, None]),
        ("binary", ["YWJj"], [b"abc"]),
        ("any", [1, "a", None], [1, "a", None]),
    ],
)
def test_arrays_hold_elements_of_their_type(kind, cell, value, given, make_columns):
    """Elements already have the array's type; integers are doubles only if they are all 0 or 1."""
    assert given(make_columns(x=array(kind)), sent(cell))["x"][0] == value


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("long", [1.0]),
        ("long", [1, None]),
        ("long", [2**70]),
        ("long", "12"),
        ("long", None),
        ("integer", [1]),
        ("double", [5, 6]),
        ("double", ["x"]),
        ("string", [1]),
        ("string", [["a"]]),
        ("string", ["a", []]),
        ("string", ["a", None, "\ud800"]),
        ("boolean", [1]),
        ("binary", ["x"]),
        ("datetime", ["2024-01-02"]),
    ],
)
def test_nothing_else_is_an_element(kind, cell, given, make_columns):
    """An element of another type is refused, and so is what is no list, with the column named."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x=array(kind)), sent(cell))


def test_a_column_of_texts_may_hold_lists_where_nothing_is_cast(given, make_columns):
    """In a body that is the input itself, a list is an object to pandas, as a text is."""
    signature = make_columns(input={"type": "string", "required": True})

    assert given(signature, {"input": ["a", "b"]})["input"][0] == ["a", "b"]


def test_objects_and_maps_hold_numpy_scalars(given, make_columns):
    """Numbers in objects and maps are NumPy's, as MLflow leaves them."""
    frame = given(make_columns(x=POINT | {"required": True}), sent({"p": "a", "q": 1}))
    counted = given(make_columns(x=mapping("long")), sent({"k": 1}))

    assert frame["x"][0] == {"p": "a", "q": 1.0}
    assert isinstance(frame["x"][0]["q"], np.float64)
    assert isinstance(counted["x"][0]["k"], np.int64)


@pytest.mark.parametrize(
    "cell", [{}, {"q": 1.0}, {"p": 1}, {"p": "a", "zz": 1}, {"p": "a", "q": 2}, [1], None]
)
def test_objects_have_exactly_their_members(cell, given, make_columns):
    """A missing, unknown or mistyped member, and what is no object, is refused with the column named."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x=POINT | {"required": True}), sent(cell))


@pytest.mark.parametrize("kind", [array("long", required=False), POINT | {"required": False}])
def test_an_optional_column_may_be_null(kind, given, make_columns):
    """Null is kept where the column is optional."""
    assert given(make_columns(x=kind), sent(None))["x"].tolist() == [None]


def test_inputs_make_arrays_of_lists(given, make_columns):
    """In `inputs` an array is NumPy's, and its lists must have equal lengths."""
    of = make_columns(x={"type": "array", "items": array("double"), "required": True})

    assert given(of, {"inputs": {"x": [[1.5], [2.5]]}})["x"][0].tolist() == [[1.5], [2.5]]
    assert given(of, sent([[1.5], [2.5, 3.5]]))["x"][0] == [[1.5], [2.5, 3.5]]
    with pytest.raises(UnreadableValue):
        given(of, {"inputs": {"x": [[1.5], [2.5, 3.5]]}})


def test_missing_times_are_times_in_inputs(given, make_columns):
    """In `inputs` a list of nothing but null is an array of missing times."""
    (cell,) = given(make_columns(x=array("datetime")), {"inputs": {"x": [None]}})["x"]

    assert cell.dtype == "datetime64[ns]"
    assert np.isnat(cell).all()


def test_lists_of_small_floats_are_refused_when_enforced(given, make_columns):
    """MLflow makes zeros and ones 64-bit floats, which it then refuses; where it casts nothing, they pass."""
    columns = make_columns(x=array("float"))

    with pytest.raises(SchemaViolation, match="column 'x'"):
        given(columns, sent([0, 1]))
    assert given(columns, {"input": 1, "x": [0, 1]})["x"].tolist() == [[0.0, 1.0]]
    assert given(columns, sent([]))["x"].tolist() == [[]]


def test_instances_of_arrays_are_records(given, make_columns):
    """`instances` with arrays, on which MLflow fails, are read like records."""
    rows = [{"x": [1, 2]}, {"x": [3]}]

    assert given(make_columns(x=array("long")), {"instances": rows})["x"].tolist() == [[1, 2], [3]]


def test_anything_is_left_alone(given, make_columns):
    """A column of anything holds what pandas makes of what was sent."""
    of = make_columns(x={"type": "any", "required": True})

    assert given(of, sent({"a": [1, {"b": None}]}))["x"].tolist() == [{"a": [1, {"b": None}]}]
    assert given(of, {"dataframe_records": [{"x": 1}, {"x": 2}]})["x"].dtype == "int64"


def test_a_unified_body_is_enforced_but_not_cast(given, make_columns):
    """A body that is the input itself must have exactly the declared types: no text is an integer."""
    of = make_columns(messages=array("any"), n={"type": "long", "required": False})

    frame = given(of, {"messages": [{"role": "user"}], "n": 3, "other": 1})

    assert frame["messages"].tolist() == [[{"role": "user"}]]
    assert frame["n"].tolist() == [3]
    with pytest.raises(SchemaViolation, match="'n'"):
        given(of, {"messages": [], "n": "3"})
