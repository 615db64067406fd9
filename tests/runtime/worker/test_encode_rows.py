"""Predictions for batches, told apart by rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.worker.encode import NotByRows, encode, encode_rows

CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KINDS: dict[str, Callable[[list[Any]], Any]] = {
    "a list": list,
    "an array of objects": lambda cells: np.array([*cells, None], dtype=object)[:-1],
    "a series": lambda cells: pd.Series(cells, dtype=object),
    "a data frame": lambda cells: pd.DataFrame({"a": pd.Series(cells, dtype=object), "b": range(len(cells))}),
}


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_each_request_gets_the_text_that_it_would_get_alone(kind, parts):
    """Rows of a batch are written as the prediction for them alone is."""
    prediction = KINDS[kind]([cell for part in parts for cell in part])
    value, texts = encode_rows(prediction, list(map(len, parts)))

    start = 0
    assert value == {"kind": "texts"}
    for part, text in zip(parts, texts, strict=True):
        rows = getattr(prediction, "iloc", prediction)[start : start + len(part)]
        assert text == encode(rows)[1][0]
        start += len(part)


def test_arrays_of_numbers_leave_whole():
    """The server tells their rows apart."""
    array = np.arange(6.0).reshape(3, 2)

    assert encode_rows(array, [1, 2])[0] == encode(array)[0]


@pytest.mark.parametrize("prediction", [np.float64(1), np.arange(2), [1, 2], {"a": [1, 2, 3]}, "abc", None])
def test_what_has_other_rows_cannot_be_told_apart(prediction):
    """A prediction that is not by rows is no answer to a batch."""
    with pytest.raises(NotByRows):
        encode_rows(prediction, [1, 2])
