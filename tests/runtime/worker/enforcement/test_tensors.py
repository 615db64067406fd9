"""A data frame becomes the arrays of a signature of tensors, and no number changes on the way."""

import numpy as np
import pandas as pd
import pytest
from lading_runtime.worker.enforcement.tensors import enforce_tensors
from lading_runtime.worker.problems import SchemaError


def tensor(name, dtype, *shape):
    """A field of a signature of tensors."""
    return {"name": name, "dtype": dtype, "shape": list(shape)}


@pytest.mark.parametrize(
    ("cells", "of", "expected"),
    [
        ([1, 2], tensor("x", "float32", -1), np.array([1, 2], "float32")),
        ([1.0, 2.0], tensor("x", "int64", -1, 1), np.array([[1], [2]])),
        (["1", "2"], tensor("x", "int64", -1), np.array([1, 2])),
        ([[1, 2], [3, 4]], tensor("x", "float64", -1, 2), np.array([[1.0, 2], [3, 4]])),
        ([[1, 2, 3, 4]], tensor("x", "int32", -1, 2, 2), np.array([[[1, 2], [3, 4]]], "int32")),
        ([np.array([1.5, 2.5])], tensor("x", "float32", -1, 2), np.array([[1.5, 2.5]])),
        (["a", "b"], tensor("x", "object", -1), np.array(["a", "b"], object)),
    ],
)
def test_a_column_becomes_an_array(cells, of, expected):
    """Single values and flat lists are cast and stacked; arrays keep the type that they have."""
    found = enforce_tensors(pd.DataFrame({"x": cells, "y": 0}), [of])["x"]

    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("cells", "of"),
    [
        ([1.5], tensor("x", "int64", -1)),
        ([np.nan], tensor("x", "int64", -1)),
        ([2**40], tensor("x", "int32", -1)),
        ([-1], tensor("x", "uint8", -1)),
        ([1e300], tensor("x", "float32", -1)),
        ([[0.5, 1]], tensor("x", "int64", -1, 2)),
        (["a"], tensor("x", "float64", -1)),
        ([1, 2], tensor("x", "float64", -1, 2)),
        ([1, 2], tensor("x", "float64", 2)),
        ([1, 2], tensor("x", "float64", -1, -1)),
        ([1], tensor("x", "float64")),
        ([[1], [2, 3]], tensor("x", "float64", -1, 1)),
        ([[1, 2], [3, 4]], tensor("x", "float64", -1, 4)),
        ([[]], tensor("x", "float64", -1, 1)),
        ([{"a": 1}], tensor("x", "float64", -1)),
        ([], tensor("x", "float64", -1)),
    ],
)
def test_what_does_not_fit_is_refused(cells, of):
    """Other shapes, and numbers that a cast would change, are refused with the name of the column."""
    with pytest.raises(SchemaError, match=r"^column 'x'"):
        enforce_tensors(pd.DataFrame({"x": cells}), [of])


def test_a_data_frame_is_one_tensor():
    """A tensor without a name takes one column, or all of them as they are."""
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [3.5, 4.5]})

    found = enforce_tensors(frame, [tensor(None, "float64", -1, 2)])
    single = enforce_tensors(frame[["a"]], [tensor(None, "float32", -1, 1)])

    assert found.tolist() == [[1.5, 3.5], [2.5, 4.5]]
    assert (single.dtype, single.tolist()) == ("float32", [[1.5], [2.5]])


@pytest.mark.parametrize("of", [tensor(None, "float32", -1, 2), tensor(None, "float64", -1, 3)])
def test_columns_side_by_side_are_not_cast(of):
    """Several columns must be what the tensor is, in number and type."""
    with pytest.raises(SchemaError, match=r"tensor of shape|does not match"):
        enforce_tensors(pd.DataFrame({"a": [1.5], "b": [3.5]}), [of])


def test_an_empty_frame_is_no_tensor():
    """Without a row nothing says what the tensor would be."""
    with pytest.raises(SchemaError, match="empty"):
        enforce_tensors(pd.DataFrame({"a": []}), [tensor(None, "float64", -1, 1)])


def test_missing_tensors_are_named():
    """Every tensor needs its column."""
    with pytest.raises(SchemaError, match=r"missing inputs \['y'\]"):
        enforce_tensors(pd.DataFrame({"x": [1]}), [tensor("x", "int64", -1), tensor("y", "int64", -1)])
