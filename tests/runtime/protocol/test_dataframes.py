"""``dataframe_split`` and ``dataframe_records`` to tables."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.dataframes import table_of_records, table_of_split
from lading_runtime.schema.cells import ABSENT

CELLS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
LABELS = st.sampled_from("abc")


def assert_equal(table, frame):
    """A table has the columns, rows and missing cells of a data frame."""
    assert list(table.labels) == list(frame.columns)
    assert table.rows == len(frame)
    for cells, (_, series) in zip(table.columns, frame.items(), strict=True):
        assert [cell is ABSENT or cell is None for cell in cells] == list(series.isna())
        present = zip(cells, series, strict=True)
        assert all(cell == value for cell, value in present if cell is not None and cell is not ABSENT)


@pytest.mark.filterwarnings("ignore:Constructing a DataFrame from a list of sequences with mismatched")
@given(st.lists(st.lists(CELLS, max_size=3), max_size=4))
def test_rows_are_those_of_pandas(rows):
    """Rows of cells become pandas' columns, short rows filled up."""
    assert_equal(table_of_split({"data": rows}), pd.DataFrame(rows))


@given(st.lists(st.dictionaries(LABELS, CELLS), max_size=4))
def test_records_are_those_of_pandas(records):
    """Records become pandas' columns, in the order in which keys first appear."""
    assert_equal(table_of_records(records), pd.DataFrame(records))


@given(st.lists(st.dictionaries(LABELS, CELLS), min_size=1, max_size=4), st.lists(LABELS, unique=True))
def test_columns_choose_among_the_keys_of_records(records, labels):
    """Records in a split frame give the columns that it names."""
    assert_equal(table_of_split({"data": records, "columns": labels}), pd.DataFrame(records, columns=labels))


@pytest.mark.parametrize("data", [{"a": [1, 2], "b": [3, 4]}, [5, "x"], None, []])
def test_other_spellings_of_data(data):
    """An object of columns, a list of single values, null and nothing are data, too."""
    columns = list(data) if isinstance(data, dict) else ["a"]

    table = table_of_split({"data": data, "columns": columns})

    assert_equal(table, pd.DataFrame(data, columns=columns))


@given(
    st.dictionaries(LABELS, st.lists(CELLS, min_size=2, max_size=2)),
    st.lists(LABELS, unique=True) | st.none(),
    st.just(["x", "y"]) | st.none(),
)
def test_columns_by_name_are_those_of_pandas(data, columns, index):
    """Of an object of columns those count that are listed; without any there is a row for each label."""
    table = table_of_split({"data": data, "columns": columns, "index": index})

    assert_equal(table, pd.DataFrame(data, columns=columns, index=index))


def test_of_columns_that_are_not_listed_nobody_takes_notice():
    """They may be of any length, and no columns at all."""
    table = table_of_split({"data": {"a": [1], "b": [2, 3], "c": None}, "columns": ["a"]})

    assert (table.labels, table.columns) == (["a"], [[1]])


@pytest.mark.parametrize(
    "split",
    [
        [1],
        "x",
        {"columns": ["a"]},
        {"data": [[1]], "extra": 1},
        {"data": [[1]], "columns": "a"},
        {"data": [[1]], "columns": [["a"]]},
        {"data": [[1]], "columns": ["a", "b"]},
        {"data": 1, "columns": ["a"]},
        {"data": [[1], 2]},
        {"data": [{"a": 1}, 2]},
        {"data": {"a": {"b": 1}}},
        {"data": {"a": [1], "b": []}},
        {"data": {"a": 1}, "index": [0, 1]},
        {"data": {"a": [1]}, "index": [0, 1]},
    ],
)
def test_what_is_no_split_frame_is_malformed(split):
    """A split frame is an object of data and maybe columns and index, which fit together."""
    with pytest.raises(MalformedBody):
        table_of_split(split)


@pytest.mark.parametrize("index", [["a"], ["a", "b", "c"], "ab"])
def test_an_index_labels_each_row(index):
    """An index with more or fewer labels than rows is refused, where MLflow may repeat a row."""
    with pytest.raises(MalformedBody, match="index"):
        table_of_split({"data": [[1], [2]], "index": index})


@pytest.mark.parametrize("records", [{"a": 1}, "x", None])
def test_records_are_a_list(records):
    """Records that are no list are malformed."""
    with pytest.raises(MalformedBody):
        table_of_records(records)
