"""CSV to tables."""

import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.csv_text import MISSING, table_of_csv
from lading_runtime.schema.cells import ABSENT
from lading_runtime.schema.table import BLOCK_ROWS

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1) | st.sampled_from(
    sorted(MISSING)
)


@settings(deadline=None)  # pandas takes its time where other tests run beside this one
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_cells_are_those_that_pandas_reads(rows):
    """What pandas writes as CSV is read back as pandas reads it, missing cells included."""
    text = pd.DataFrame(rows, columns=["a", "b"], dtype=object).to_csv(index=False)

    table = table_of_csv(text.encode())

    frame = pd.read_csv(io.StringIO(text), dtype=object)
    assert list(table.labels) == ["a", "b"]
    for cells, (_, series) in zip(table.columns, frame.items(), strict=True):
        assert [cell is ABSENT for cell in cells] == list(series.isna())
        assert [cell for cell in cells if cell is not ABSENT] == list(series.dropna())


def test_conventions_of_read_csv():
    """Empty lines are skipped, short rows filled up, equal names numbered, a byte order mark ignored."""
    table = table_of_csv("\ufeffa,a,b\n\n1,2,3\n4\n".encode())

    assert list(table.labels) == ["a", "a.1", "b"]
    assert list(table.columns) == [["1", "4"], ["2", ABSENT], ["3", ABSENT]]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("height", [BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS + 1])
def test_blocks_of_rows_are_one_table(height, quote):
    """Rows beyond a block follow those before them; gaps and short rows are filled in each block."""
    rows = [f"{quote}{row}{quote},x" if row % 3 else f"{row}" for row in range(height)]

    table = table_of_csv("\r\n".join(["a,b", *rows]).encode())

    assert table.rows == height
    assert list(table.columns[0]) == [str(row) for row in range(height)]
    assert list(table.columns[1]) == ["x" if row % 3 else ABSENT for row in range(height)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_blank_lines_are_no_rows_but_quoted_blanks_are(ending):
    """A line of white space is skipped, with quotes in the text or without; quoted white space is a cell."""
    plain = ending.join(["a", "1", "", "  ", "\t", "2", ""])
    quoted = ending.join(["a", "1", "", "  ", '" "', '"2"'])

    assert list(table_of_csv(plain.encode()).columns) == [["1", "2"]]
    assert list(table_of_csv(quoted.encode()).columns) == [["1", " ", "2"]]


def test_a_quoted_line_break_is_part_of_a_cell():
    """A cell in quotes may go over several lines."""
    table = table_of_csv(b'a,b\n"1\n\n2",3\n')

    assert list(table.columns) == [["1\n\n2"], ["3"]]


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", b"\xff\xfe", b"a\n1,2\n", b'a\n"1\n2\n', b'"a', b'a,b\n1,"', b'a\n"1""']
)
def test_what_is_no_table_is_malformed(body):
    """No columns, no UTF-8, more cells than columns, or a quote without end are the client's mistake."""
    with pytest.raises(MalformedBody):
        table_of_csv(body)
