"""Rows to columns."""

from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.schema.table import BLOCK_ROWS, transpose

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
