"""Rows to columns."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.schema.cells import ABSENT
from lading_runtime.schema.table import (
    BLOCK_ROWS,
    SPARE_CELLS,
    check_gaps,
    columns_of,
    keys_of,
    transpose,
)

WIDTHS = st.integers(0, 4)
HEIGHTS = st.sampled_from(
    [1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 3]
)


@given(HEIGHTS, WIDTHS)
def test_columns_hold_the_cells_of_all_rows_in_order(height, width):
    """Cell n of column m is cell m of row n, however many blocks the rows make."""
    rows = [[(row, column) for column in range(width)] for row in range(height)]

    columns = transpose(rows, width)

    assert [list(cells) for cells in columns] == [
        [(row, column) for row in range(height)] for column in range(width)
    ]


def test_records_of_other_keys_are_filled_up():
    """Rows may name different columns, as long as they have some in common."""
    records = [{"a": 1}, {"b": 2}, {"a": 3, "c": 4}]

    assert keys_of(records) == ["a", "b", "c"]
    assert columns_of(records, ["c", "a"]) == [[ABSENT, ABSENT, 4], [1, ABSENT, 3]]


@pytest.mark.parametrize(
    ("cells", "given", "is_refused"),
    [
        (SPARE_CELLS, [], False),
        (SPARE_CELLS + 1, [], True),
        (4 * SPARE_CELLS, [SPARE_CELLS - 5, 5], False),
        (4 * SPARE_CELLS + 1, [SPARE_CELLS - 5, 5], True),
    ],
)
def test_many_cells_must_be_given(cells, given, is_refused):
    """A table beyond the spare cells has at most four times as many as the body gives."""
    with pytest.raises(MalformedBody, match="too different") if is_refused else nullcontext():
        check_gaps(cells, given)
