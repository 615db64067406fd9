"""A data frame gets exactly the signature's columns, or every reason why not."""

import pandas as pd
import pytest
from lading_runtime.worker.enforcement.columns import enforce_columns
from lading_runtime.worker.problems import SchemaError

FRAME = pd.DataFrame({"b": [1.5, 2.5], "z": ["x", "y"], "a": [1, 2]}, index=[7, 7])


def field(name, kind="double", **more):
    """A field of a signature."""
    return {"name": name, "type": kind, "required": True, **more}


def test_columns_come_in_the_signatures_order():
    """Columns are put in order, others are dropped, the index stays."""
    found = enforce_columns(FRAME, [field("a", "long"), field("b")])

    assert list(found.columns) == ["a", "b"]
    assert list(found.index) == [7, 7]


def test_what_is_missing_is_named():
    """Every required column that is not there is named."""
    with pytest.raises(SchemaError, match=r"missing inputs \['c', 'd'\]"):
        enforce_columns(FRAME, [field("a", "long"), field("c"), field("d")])


def test_an_optional_column_may_be_absent():
    """What is not required and not there is not there for the model either."""
    found = enforce_columns(FRAME, [field("b"), field("c", required=False)])

    assert list(found.columns) == ["b"]


def test_every_column_that_does_not_fit_is_named():
    """All columns are looked at before the data are refused; no value is told."""
    with pytest.raises(SchemaError) as refused:
        enforce_columns(FRAME, [field("a"), field("b"), field("z", "long")])

    assert str(refused.value) == (
        "column 'a' (double): can not safely convert int64 to double; "
        f"column 'z' (long): can not safely convert {FRAME['z'].dtype} to long"
    )


def test_columns_without_names_go_by_position():
    """A signature without names takes the first columns, whatever they are called."""
    found = enforce_columns(FRAME, [field(None), field(None, "string")])

    assert list(found.columns) == ["b", "z"]
    with pytest.raises(SchemaError, match="takes 4 columns, not 3"):
        enforce_columns(FRAME, [field(None)] * 4)
    with pytest.raises(SchemaError, match=r"column 2 \(double\)"):
        enforce_columns(FRAME, [field(None), field(None, "string"), field(None)])


def test_a_name_stands_for_one_column():
    """A column that is there twice is refused, also where the signature has no names."""
    twice = pd.DataFrame([[1.5, 2.5]], columns=["a", "a"])

    with pytest.raises(SchemaError, match=r"\['a'\] appear more than once"):
        enforce_columns(twice, [field("a")])
    with pytest.raises(SchemaError, match="columns of one name"):
        enforce_columns(twice, [field(None), field(None)])


def test_cells_may_be_nested():
    """Columns of lists are looked at cell by cell."""
    frame = pd.DataFrame({"a": [[1.5], [2.5, 3.5]]})

    assert enforce_columns(frame, [field("a", "array", items={"type": "double"})])["a"].tolist() == [
        [1.5],
        [2.5, 3.5],
    ]
    with pytest.raises(SchemaError, match=r"column 'a' \(array\)"):
        enforce_columns(frame, [field("a", "array", items={"type": "long"})])
