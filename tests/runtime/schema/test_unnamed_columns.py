"""Columns without names, in every format."""

import pytest
from lading_runtime.errors import MalformedBody, RequestError, SchemaViolation, UnreadableValue


@pytest.fixture
def pair(make_signature):
    """Two doubles without names."""
    return make_signature({"type": "double"}, {"type": "double"})


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ({"dataframe_split": {"data": [[1, 2, 9], [3, 4, 9]]}}, [0, 1]),
        ({"dataframe_split": {"columns": ["q", "w"], "data": [[1, 2], [3, 4]]}}, ["q", "w"]),
        ({"dataframe_records": [{"q": 1, "w": 2}, {"q": 3, "w": 4}]}, ["q", "w"]),
        ({"inputs": [[1, 2], [3, 4]]}, [0, 1]),
        ({"instances": [[1, 2], [3, 4]]}, [0, 1]),
        ({"instances": [{"q": 1.0, "w": 2.0}, {"q": 3.0, "w": 4.0}]}, ["q", "w"]),
        (b"q,w\n1,2\n3,4\n", ["q", "w"]),
    ],
)
def test_the_first_columns_count(body, labels, given, pair):
    """The first columns are taken, whatever they are called, and keep the request's names."""
    frame = given(pair, body, "text/csv" if isinstance(body, bytes) else "application/json")

    assert list(frame.columns) == labels
    assert frame.to_numpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "body", [{"inputs": [1, 2]}, {"inputs": 1}, {"dataframe_records": []}, {"instances": [{"q": 1.0}]}]
)
def test_too_few_columns_are_refused(body, given, pair):
    """Fewer columns than the signature has violate it."""
    with pytest.raises(SchemaViolation, match="missing"):
        given(pair, body)


@pytest.mark.parametrize(
    ("label", "error"),
    [
        *((position, UnreadableValue) for position in (0, 1, False, True, 0.0, 1.0)),
        *((name, SchemaViolation) for name in (2, -1, 0.5, "0", None)),
    ],
)
def test_required_are_those_that_are_called_by_a_position(label, error, given, make_signature):
    """A missing value of a column cannot be read if Python finds its label among the positions."""
    declared = {"type": "array", "items": {"type": "double"}, "required": True}
    signature = make_signature({"type": "double"}, declared)

    with pytest.raises(error):
        given(signature, {"dataframe_split": {"columns": ["q", label], "data": [[0.5, None]]}})


@pytest.mark.parametrize("value", [{"q": [1], "w": [2]}, None])
def test_inputs_without_names_are_a_list(value, given, pair):
    """An object of columns, or null, is malformed where columns have no names."""
    with pytest.raises(MalformedBody):
        given(pair, {"inputs": value})


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [[[1, 2]]]},
        {"inputs": [[1, 2], [3]]},
        {"inputs": [{"q": 1, "w": 2}]},
        {"instances": [{"q": 1, "w": 2}]},
        {"instances": [{"q": 1.0, "w": 2.0}, {"q": 1.0, "v": 2.0}]},
        {"messages": [{"a": 1}]},
    ],
)
def test_what_is_no_table_is_refused(body, given, pair):
    """Values of other dimensions, objects, and integers that are not cast to doubles are refused."""
    with pytest.raises(RequestError):
        given(pair, body)


def test_a_text_is_one_cell(given, make_signature):
    """A single text is the one cell of a column of texts, also in a body that is itself the input."""
    of = make_signature({"type": "string"})

    assert given(of, {"inputs": "x"}).to_numpy().tolist() == [["x"]]
    assert given(of, {"prompt": "x"}).to_numpy().tolist() == [["x"]]


def test_narrow_numbers_may_become_wider(given, make_signature):
    """MLflow reads all values as the first column's type, which later columns may widen but not change."""
    assert given(
        make_signature({"type": "integer"}, {"type": "double"}), {"inputs": [[1, 2]]}
    ).dtypes.tolist() == [
        "int32",
        "float64",
    ]
    with pytest.raises(SchemaViolation, match="1"):
        given(make_signature({"type": "long"}, {"type": "double"}), {"inputs": [[1, 2]]})
