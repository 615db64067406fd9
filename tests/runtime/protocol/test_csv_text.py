"""CSV to tables."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.csv_text import MISSING, table_of_csv
from lading_runtime.schema.cells import ABSENT

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1) | st.sampled_from(
    sorted(MISSING)
)


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


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xff\xfe", b"a\n1,2\n"])
def test_what_is_no_table_is_malformed(body):
    """No columns, no UTF-8, or more cells than columns are the client's mistake."""
    with pytest.raises(MalformedBody):
        table_of_csv(body)
