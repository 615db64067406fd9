"""Columns with names, in every format."""

import numpy as np
import pytest
from lading_runtime.errors import MalformedBody, RequestError, SchemaViolation, UnreadableValue


@pytest.fixture
def pair(make_columns):
    """Two doubles and an optional one."""
    return make_columns(a="double", b="double", c={"type": "double", "required": False})


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["b", "a", "z"], "data": [[2, 1, 0], [4, 3, 0]]}},
        {"dataframe_records": [{"b": 2, "a": 1, "z": 0}, {"a": 3, "b": 4}]},
        {"inputs": {"b": [2, 4], "a": [1, 3], "z": [0, 0]}},
        {"inputs": [{"b": 2, "a": 1, "z": 0}, {"a": 3, "b": 4}]},
        {"instances": [{"b": 2, "a": 1, "z": 0}, {"a": 3, "b": 4, "z": 0}]},
        {"instances": {"b": [2, 4], "a": [1, 3]}},
        b"b,a,z\n2,1,0\n4,3,0\n",
    ],
)
def test_columns_come_in_the_order_of_the_signature(body, given, pair):
    """Whatever the format and the order, the frame has the signature's columns, and no others."""
    frame = given(pair, body, "text/csv" if isinstance(body, bytes) else "application/json")

    assert list(frame.columns) == ["a", "b"]
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 2], [3, 4]])


def test_a_frame_of_one_dtype_is_a_view(given, pair):
    """A frame of one dtype is one block of memory, laid out as MLflow's: column after column."""
    frame = given(pair, {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}})

    assert frame.to_numpy().flags.f_contiguous
    assert not frame.to_numpy().flags.owndata


def test_the_index_is_kept(given, pair):
    """Labels of rows arrive as they were sent."""
    frame = given(pair, {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "index": ["r"]}})

    assert list(frame.index) == ["r"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"data": [[1, 2]]}},
        {"dataframe_records": []},
        {"inputs": {}},
        {"inputs": []},
        {"inputs": [[1, 2]]},
        {"inputs": 3},
        {"instances": [{"z": 1}]},
        b"x\n1\n",
    ],
)
def test_every_missing_column_is_named(body, given, pair):
    """A message names each required column that is missing, and no optional one."""
    with pytest.raises(SchemaViolation, match=r"\['a', 'b'\]"):
        given(pair, body, "text/csv" if isinstance(body, bytes) else "application/json")


def test_unreadable_cells_come_before_missing_columns(given, pair):
    """A cell that cannot be read is told first, as MLflow does."""
    with pytest.raises(UnreadableValue, match="'b'"):
        given(pair, {"dataframe_records": [{"b": "x"}]})


def test_a_column_twice_is_refused(given, pair):
    """A column of the signature that comes twice is refused by name; others do not matter."""
    with pytest.raises(SchemaViolation, match="'a'"):
        given(pair, {"dataframe_split": {"columns": ["a", "b", "a"], "data": [[1, 2, 3]]}})

    others = {"columns": ["a", "b", "z", "z"], "data": [[1, 2, 3, 4]]}
    frame = given(pair, {"dataframe_split": others})
    assert list(frame.columns) == ["a", "b"]


def test_single_values_are_one_row(given, pair):
    """An object of single values is one row; beside lists they are repeated."""
    assert given(pair, {"inputs": {"a": 1, "b": 2}}).to_numpy().tolist() == [[1, 2]]
    assert given(pair, {"inputs": {"a": 1, "b": [2, 3]}}).to_numpy().tolist() == [[1, 2], [1, 3]]


def test_a_single_column_needs_no_name(given, make_columns):
    """A list is the one column of a signature that has only one."""
    assert given(make_columns(x="long"), {"inputs": [1, 2]})["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"a": [1], "b": [1, 2]}},
        {"inputs": {"a": [1], "b": [2], "z": [[1], [2, 3]]}},
        {"inputs": {"a": 1, "b": 2, "z": 3}},
        {"instances": {"a": [1], "b": [1, 2]}},
        {"instances": [{"a": 1, "b": 2}, 3]},
        {"instances": [{"a": 1, "b": 2}, {"a": 1}]},
        {"instances": [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}]},
    ],
)
def test_values_that_do_not_line_up_are_refused(body, given, pair):
    """Columns of unequal lengths and rows with different keys never slide into each other."""
    with pytest.raises(RequestError):
        given(pair, body)


def test_optional_columns_may_be_absent(given, pair):
    """An optional column that no row has is absent; one that some rows have is NaN in the others."""
    frame = given(pair, {"dataframe_records": [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}]})

    assert frame["c"].isna().tolist() == [False, True]


def test_csv_is_read_by_the_types_of_the_signature(given, make_columns):
    """Texts keep leading zeros, bytes are base64, times are times, 1.0 is an integer, NA is missing."""
    of = make_columns(s="string", bin="binary", t="datetime", n="long", d="double")

    frame = given(of, b"s,bin,t,n,d\n007,YWJj,2024-01-02,1.0,NA\n", "text/csv")

    assert frame.iloc[0, :4].tolist() == ["007", b"abc", frame["t"][0], 1]
    assert frame["t"].dtype == "datetime64[ns]"
    assert frame["d"].isna().all()


def test_csv_has_no_lists(given, make_columns):
    """A signature with arrays cannot be said in CSV."""
    with pytest.raises(MalformedBody):
        given(make_columns(x={"type": "array", "items": {"type": "long"}}), b"x\n1\n", "text/csv")
