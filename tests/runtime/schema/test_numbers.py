"""Numbers, packed in blocks."""

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.schema.cells import ABSENT
from lading_runtime.schema.numbers import BLOCK_CELLS, NUMBERS, as_read_by_read_csv, exact_integer
from lading_runtime.schema.refusals import Unreadable

SPELLED = st.integers(-(2**31), 2**31 - 1).map(str) | st.sampled_from([" 7", "+1", "1_000", "007"])
NO_INTEGERS = st.sampled_from(["", "x", "1.5", "1e3", "--1", "9" * 5000])


@pytest.mark.parametrize("count", [0, 1, BLOCK_CELLS - 1, BLOCK_CELLS, BLOCK_CELLS + 1, 3 * BLOCK_CELLS + 7])
@pytest.mark.parametrize("kind", ["long", "double"])
def test_blocks_are_one_buffer(kind, count):
    """However many blocks there are, the cells lie one after the other."""
    packed = NUMBERS[kind].pack(range(count))

    assert np.frombuffer(packed, NUMBERS[kind].dtype).tolist() == list(range(count))


@pytest.mark.parametrize("place", [0, BLOCK_CELLS - 1, BLOCK_CELLS, 2 * BLOCK_CELLS - 1])
def test_a_bad_cell_is_found_in_any_block(place):
    """A cell that is no number is refused wherever it stands."""
    cells: list[Any] = [1] * (2 * BLOCK_CELLS)
    cells[place] = "x"

    with pytest.raises(Unreadable, match="a text that is no integer"):
        NUMBERS["integer"].pack(cells)


@pytest.mark.parametrize("place", [0, BLOCK_CELLS])
def test_a_block_may_hold_what_others_do_not(place):
    """Texts and missing cells in one block are read as they are in a column of one block."""
    cells: list[Any] = [0.5] * (BLOCK_CELLS + 3)
    cells[place : place + 3] = ["1.5", None, ABSENT]

    found = np.frombuffer(NUMBERS["double"].pack(cells), "<f8")

    assert found[place] == 1.5
    assert np.isnan(found[place + 1 : place + 3]).all()
    assert np.isnan(found).sum() == 2


def said(pack, texts):
    """What *pack* says of texts: their bytes, or why it refuses them."""
    try:
        return pack(texts)
    except Unreadable as problem:
        return str(problem)


def one_by_one(texts):
    """Texts as 32-bit integers, each read alone."""
    return struct.pack(f"={len(texts)}i", *map(exact_integer, texts))


@given(st.lists(SPELLED | NO_INTEGERS, max_size=5))
def test_columns_of_texts_are_read_as_their_cells_are(texts):
    """All texts at once become what each of them becomes, or are refused for the same reason."""
    assert said(NUMBERS["integer"].pack, texts) == said(one_by_one, texts)


@given(st.lists(st.sampled_from(["1", "1.5", "-2.0", "nan", "inf", " 1", "1e3", "x", ""]), min_size=1))
def test_columns_of_texts_are_the_floats_that_their_cells_say(texts):
    """A column of texts is read as Python reads each; one that says no number is refused."""
    if {"x", ""} & set(texts):
        with pytest.raises(Unreadable, match="a text that is no number"):
            NUMBERS["double"].pack(texts)
    else:
        found = np.frombuffer(NUMBERS["double"].pack(texts), "<f8").tolist()
        assert all(math.isnan(cell) or cell == float(text) for cell, text in zip(found, texts, strict=True))


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ([], []),
        (["true", "FALSE"], [1, 0]),
        (["true", "1"], ["true", "1"]),
        (["1", "true"], ["1", "true"]),
        (["true", ABSENT], ["true", ABSENT]),
        (["1.0", "2.", "3", "0.5", ABSENT], [1.0, 2.0, "3", 0.5, ABSENT]),
        (["1e2", "-1.5E1", ".5", "1e", "e1", "inf"], [100.0, -15.0, 0.5, "1e", "e1", "inf"]),
        (["1_000", "1", "\u0661", ABSENT], ["", "1", "", ABSENT]),
        (["1", "2"], ["1", "2"]),
        (["1234567890123456.0"], ["1234567890123456.0"]),
    ],
)
def test_texts_of_numbers_are_seen_as_by_read_csv(cells, read):
    """Columns of nothing but booleans are numbers, and integers may have a fraction of zero."""
    assert as_read_by_read_csv(cells) == read
