"""Tensors, from JSON to the arrays that the model is given."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lading_runtime.errors import MalformedBody, SchemaViolation, UnreadableValue
from lading_runtime.schema.tensors import ELEMENTS


def tensor(dtype, shape, **others):
    """A tensor as MLmodel writes it."""
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}, **others}


@pytest.fixture
def matrix(make_signature):
    """An unnamed tensor of four 32-bit floats a row."""
    return make_signature(tensor("float32", [-1, 4]))


@pytest.fixture
def named(make_signature):
    """Two named tensors."""
    return make_signature(tensor("float32", [-1, 2], name="a"), tensor("int64", [-1], name="b"))


DTYPES = st.sampled_from([np.dtype(code) for code in "?bhiqBHIQefd"])


@pytest.mark.parametrize("name", ["inputs", "instances"])
@forall(array=hnp.arrays(DTYPES, hnp.array_shapes(min_dims=1, max_dims=3)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_come_through_bit_by_bit(name, array, given, make_signature):
    """An array of any dtype and shape that is sent as lists arrives as it was."""
    of = make_signature(tensor(array.dtype.name, [-1] * array.ndim))

    np.testing.assert_array_equal(given(of, {name: array.tolist()}), array, strict=True)


def test_every_dtype_of_numbers_is_known():
    """No dtype of numbers is left to the slower way over the model's NumPy."""
    assert set(ELEMENTS) == {np.dtype(code).name for code in "?bhiqBHIQefd"}


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_other_dtypes_are_made_by_numpy(dtype, given, make_signature):
    """Texts and objects become what the model's NumPy makes of them."""
    assert given(make_signature(tensor(dtype, [-1])), {"inputs": ["a", "bc"]}).tolist() == ["a", "bc"]


@pytest.mark.parametrize("value", [[[1, 2, 3]], [1, 2, 3, 4], 3, [], [[]], [{"a": 1}]])
def test_another_shape_does_not_fit(value, given, matrix):
    """A value of another shape than the declared one violates the schema."""
    with pytest.raises(SchemaViolation):
        given(matrix, {"inputs": value})


@pytest.mark.parametrize(
    "value", [[["a", 2, 3, 4]], [[1, 2, 3, 4], [1]], [[{}, 2, 3, 4]], [[1e39, 2, 3, 4]], "x"]
)
def test_what_is_no_array_of_numbers_is_refused(value, given, matrix):
    """Ragged lists, texts, objects and numbers that would become infinite cannot be read."""
    with pytest.raises(UnreadableValue):
        given(matrix, {"inputs": value})


@pytest.mark.parametrize("value", [{"a": [[1, 2, 3, 4]]}, None])
def test_an_unnamed_tensor_is_no_object(value, given, matrix):
    """An object, or null, is malformed where the tensor has no name."""
    with pytest.raises(MalformedBody):
        given(matrix, {"inputs": value})


@pytest.mark.parametrize("cell", [1.5, None, "x", 2**63])
def test_no_element_is_changed_in_silence(cell, given, named):
    """Fractions, null and overflow are refused for integers, with the tensor named."""
    with pytest.raises(UnreadableValue, match="'b'"):
        given(named, {"inputs": {"a": [[1, 2]], "b": [cell]}})


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"b": [1, 2], "a": [[1, 2], [3, 4]], "c": "x"}},
        {"instances": [{"a": [1, 2], "b": 1}, {"a": [3, 4], "b": 2}]},
        {"dataframe_records": [{"a": [1, 2], "b": 1}, {"a": [3, 4], "b": 2}]},
        {"dataframe_split": {"columns": ["b", "a"], "data": [[1, [1, 2]], [2, [3, 4]]]}},
    ],
)
def test_named_tensors_come_in_every_format(body, given, named):
    """Named tensors are a dictionary of arrays, in the signature's order."""
    arrays = given(named, body)

    assert list(arrays) == ["a", "b"]
    np.testing.assert_array_equal(arrays["a"], np.array([[1, 2], [3, 4]], np.float32), strict=True)
    np.testing.assert_array_equal(arrays["b"], np.array([1, 2], np.int64), strict=True)


@pytest.mark.parametrize(
    "body", [{"inputs": {"a": [[1, 2]]}}, {"inputs": [{"a": [1, 2]}]}, {"dataframe_records": []}]
)
def test_missing_tensors_are_named(body, given, named):
    """A message names each tensor that is missing."""
    with pytest.raises(SchemaViolation, match="'b'"):
        given(named, body)


def test_gaps_in_tensors_of_texts_are_said(given, make_signature):
    """A key that a record leaves out is NaN to pandas, and NumPy says so in a tensor of texts or objects."""
    texts, objects = (make_signature(tensor(kind, [-1], name="a")) for kind in ("str", "object"))
    records = {"dataframe_records": [{"b": 1}, {"a": "x"}]}

    assert given(texts, records)["a"].tolist() == ["nan", "x"]
    assert np.isnan(given(objects, records)["a"][0])


@pytest.mark.parametrize(
    "cells",
    [[1, None], [1, 2.5], [None, 1, 2.5], [1, 2], [1, True, None], [2**70, None], [1.5], [True, None]],
)
def test_objects_of_a_data_frame_are_what_pandas_makes_of_its_columns(cells, given, make_signature):
    """Integers beside fractions and gaps are floats, and gaps beside numbers NaN; other lists stay."""
    records = {"dataframe_records": [{"a": cell} for cell in cells]}

    found = given(make_signature(tensor("object", [-1], name="a")), records)["a"]

    assert repr(found.tolist()) == repr(pd.DataFrame({"a": cells})["a"].to_numpy().astype(object).tolist())


def test_a_data_frame_of_nothing_but_null_is_no_tensor(given, make_signature):
    """MLflow takes only texts, numbers, bytes and lists for cells of a tensor."""
    with pytest.raises(SchemaViolation, match="nothing but null"):
        given(make_signature(tensor("object", [-1], name="a")), {"dataframe_records": [{"a": None}]})


def test_objects_must_be_even_before_their_names_matter(given, matrix):
    """Uneven lists in `instances` cannot be read, even where objects do not belong at all."""
    with pytest.raises(UnreadableValue, match="unequal"):
        given(matrix, {"instances": [{}, {"0": [[], 1]}]})
    with pytest.raises(SchemaViolation, match="no name"):
        given(matrix, {"instances": [{"0": 1}]})


@pytest.mark.parametrize(
    "value", [{"a": [[1, 2]], "b": [1, 2]}, [{"a": [1, 2], "b": 1}, {"a": [1, 2]}], [{}, 3]]
)
def test_instances_have_equal_lengths(value, given, named):
    """`instances` of unequal lengths, or of different kinds, are malformed."""
    with pytest.raises(MalformedBody, match="instances"):
        given(named, {"instances": value})


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"data": [[1, 2, 3, 4]]}},
        {"dataframe_split": {"columns": ["a"], "data": [[[1, 2, 3, 4]]]}},
        b"a,b,c,d\n1,2,3,4\n",
    ],
)
def test_tables_become_a_matrix(body, given, matrix):
    """Four columns, one column of lists, or CSV become rows of four."""
    media_type = "text/csv" if isinstance(body, bytes) else "application/json"

    np.testing.assert_array_equal(
        given(matrix, body, media_type), np.array([[1, 2, 3, 4]], np.float32), strict=True
    )


@pytest.mark.parametrize(
    "split",
    [
        {"data": [[1, 2, 3]]},
        {"columns": ["a"], "data": [[[1, 2, 3]]]},
        {"columns": ["a"], "data": [[[1, 2, 3, 4]], [[1]]]},
        {"columns": ["a"], "data": [[[None, 2, 3, 4]]]},
        {"columns": ["a"], "data": [[["x", 2, 3, 4]]]},
        {"data": []},
    ],
)
def test_tables_of_another_shape_do_not_fit(split, given, matrix):
    """A table that is no matrix of the declared width violates the schema."""
    with pytest.raises(SchemaViolation):
        given(matrix, {"dataframe_split": split})


def test_a_tensor_of_fixed_length_is_no_table(given, make_signature):
    """A table can have any number of rows, so that a fixed first dimension cannot be one."""
    with pytest.raises(SchemaViolation, match="table"):
        given(make_signature(tensor("int64", [2], name="a")), {"dataframe_records": [{"a": 1}, {"a": 2}]})
